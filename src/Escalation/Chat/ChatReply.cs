using Vlm.Escalation.Work;
using Vlm.Hosting.Chat;
using Vlm.Text;

namespace Vlm.Escalation.Chat;

/// <summary>From an answer to what is sent of it. Pure.</summary>
/// <param name="model">The name that is served.</param>
/// <param name="fingerprint">Of its weights.</param>
/// <param name="settings">What was asked for.</param>
internal sealed class ChatReply(string model, string fingerprint, ChatSettings settings)
{
    // JSON has no minus infinity; this is the number that vLLM writes in its place.
    private const double NoProbability = -9999;

    public ChatCompletion Whole(Answer answer) => new(
        answer.Id, answer.Created, model, [new CompletionChoice(0, new AssistantMessage(answer.Text), Logprobs(answer.Tokens), Finish(answer))], Usage(answer))
    {
        SystemFingerprint = fingerprint,
        Reading = Reading(answer),
    };

    public ChatChunk Chunk(SolveJob job, string? content, IReadOnlyList<AnswerToken> tokens, bool isFirst) => Chunk(job,
        [new ChunkChoice(0, new Delta { Role = isFirst ? "assistant" : null, Content = content }, Logprobs(tokens), null)]);

    public ChatChunk Last(SolveJob job, Answer answer) => Chunk(job, [new ChunkChoice(0, new Delta(), null, Finish(answer))]) with
    {
        Reading = Reading(answer),
    };

    public ChatChunk UsageChunk(SolveJob job, Answer answer) => Chunk(job, []) with { Usage = Usage(answer) };

    private ChatChunk Chunk(SolveJob job, IReadOnlyList<ChunkChoice> choices) =>
        new(job.Id, job.Created.ToUnixTimeSeconds(), model, choices) { SystemFingerprint = fingerprint };

    private static Reading? Reading(Answer answer) => answer.Status is { } status
        ? new Reading(status.ToLabel(), answer.Unseen) { Confidence = answer.Confidence, Certified = answer.IsCertified }
        : null;

    private static string Finish(Answer answer) => answer.IsCut ? "length" : "stop";

    private static Usage Usage(Answer answer) => new(answer.PromptTokens, answer.CompletionTokens)
    {
        PromptTokensDetails = new PromptTokensDetails(0, answer.PictureTokens),
    };

    private LogprobList? Logprobs(IReadOnlyList<AnswerToken> tokens) => !settings.WithLogprobs ? null : new LogprobList(
        [.. tokens.Select(token => new TokenLogprob(token.Text, Finite(token.LogProbability), Bytes(token),
            [.. token.Alternatives.Select(each => new TopLogprob(each.Text, Finite(each.LogProbability), Bytes(each)))]))]);

    private static double Finite(double value) => Math.Max(value, NoProbability);

    // Numbers, not base64: the interface's form.
    private static int[] Bytes(AnswerToken token) => Array.ConvertAll(token.Bytes, each => (int)each);
}
