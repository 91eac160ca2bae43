using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Vlm.Escalation.Work;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Chat;

/// <summary>Sends an answer as server-sent events while it is made.</summary>
internal sealed class ChatStream(HttpResponse response, ChatReply reply, SolveJob job, ChatSettings settings)
{
    private readonly Decoder _text = Encoding.UTF8.GetDecoder();

    /// <summary>Sends everything, usage and <c>[DONE]</c> included, and returns the answer.</summary>
    /// <param name="replyStart">The start of the text that is given and not generated.</param>
    /// <param name="cancellation">The client's leaving or the deadline.</param>
    /// <param name="aborted">The client's leaving alone.</param>
    /// <exception cref="ApiException">The answer could not be made. If the stream has begun, it was said in the stream.</exception>
    public async Task<Answer> WriteAsync(string replyStart, CancellationToken cancellation, CancellationToken aborted)
    {
        try
        {
            if (job.TakeStream() is { } tokens)
            {
                // A failure before the first token still gets its own status.
                await foreach (var token in tokens.ReadAllAsync(cancellation)) await TokenAsync(token, replyStart, cancellation);
            }
            var answer = await job.Answer.WaitAsync(cancellation);
            if (!response.HasStarted)
            {
                // Somebody else has the tokens, or there were none.
                foreach (var token in answer.Tokens) await TokenAsync(token, replyStart, cancellation);
            }
            await StartAsync(replyStart, cancellation);
            await SendAsync(reply.Last(job, answer), cancellation);
            if (settings.IncludeUsage) await SendAsync(reply.UsageChunk(job, answer), cancellation);
            await LineAsync("[DONE]"u8.ToArray(), cancellation);
            return answer;
        }
        catch (ApiException e) when (response.HasStarted)
        {
            await ErrorAsync(e, aborted);
            throw;
        }
        catch (OperationCanceledException) when (response.HasStarted && !aborted.IsCancellationRequested)
        {
            var late = ChatApi.TooLate();
            await ErrorAsync(late, aborted);
            throw late;
        }
    }

    private Task ErrorAsync(ApiException e, CancellationToken cancellation) =>
        LineAsync(JsonSerializer.SerializeToUtf8Bytes(e.ToBody(), ErrorJson.Default.ErrorBody), cancellation);

    private async Task TokenAsync(AnswerToken token, string replyStart, CancellationToken cancellation)
    {
        await StartAsync(replyStart, cancellation);
        // A character whose bytes are spread over tokens is sent when it is whole.
        var characters = new char[_text.GetCharCount(token.Bytes, flush: false)];
        _text.GetChars(token.Bytes, characters, flush: false);
        await SendAsync(reply.Chunk(job, new string(characters), [token], isFirst: false), cancellation);
    }

    private async Task StartAsync(string replyStart, CancellationToken cancellation)
    {
        if (response.HasStarted) return;
        response.ContentType = "text/event-stream; charset=utf-8";
        // nginx and its like would otherwise collect the whole stream first.
        response.Headers["X-Accel-Buffering"] = "no";
        await SendAsync(reply.Chunk(job, replyStart, [], isFirst: true), cancellation);
    }

    private Task SendAsync(ChatChunk chunk, CancellationToken cancellation) =>
        LineAsync(JsonSerializer.SerializeToUtf8Bytes(chunk, ChatJson.Default.ChatChunk), cancellation);

    private async Task LineAsync(byte[] data, CancellationToken cancellation)
    {
        await response.Body.WriteAsync((byte[])[.. "data: "u8, .. data, .. "\n\n"u8], cancellation);
        await response.Body.FlushAsync(cancellation);
    }
}
