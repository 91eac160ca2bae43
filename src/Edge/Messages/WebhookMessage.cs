using System.Net.Http.Headers;
using System.Text;

namespace Vlm.Edge.Messages;

/// <summary>The message that a service says; asked when what it said last is no longer believed, one request at a time.</summary>
/// <remarks>While it does not answer, what it said last stands for three times as long as it is believed; then there is no message.</remarks>
internal sealed class WebhookMessage : IMessageSource, IDisposable
{
    private const int LongestReply = 4096;
    private const int Stands = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly WebhookOptions _options;
    private readonly TimeProvider _clock;
    private readonly HttpClient _client;
    private readonly Lock _lock = new();
    private MessageNow _known = MessageNow.None;
    private string? _problem;
    private long _asked, _said;
    private bool _isAsking, _wasAsked;

    public WebhookMessage(WebhookOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        // An address that is found anew after a while: names move.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        _client = new HttpClient(handler) { Timeout = Patience, MaxResponseContentBufferSize = LongestReply };
    }

    /// <summary>The request under way; completed when there is none.</summary>
    public Task Asking { get; private set; } = Task.CompletedTask;

    public MessageNow Now
    {
        get
        {
            lock (_lock)
            {
                if (!_isAsking && (!_wasAsked || _clock.GetElapsedTime(_asked) >= Every))
                {
                    (_isAsking, _wasAsked, _asked) = (true, true, _clock.GetTimestamp());
                    Asking = Task.Run(AskAsync);
                }
                return _problem is null || _clock.GetElapsedTime(_said) < Stands * Every ? _known : new MessageNow(null, _problem);
            }
        }
    }

    public void Dispose() => _client.Dispose();

    private TimeSpan Every => TimeSpan.FromSeconds(_options.EverySeconds);

    private async Task AskAsync()
    {
        var (text, problem) = await FetchAsync();
        lock (_lock)
        {
            _isAsking = false;
            _problem = problem;
            if (text is null) return;
            _known = MessageNow.Of(text, $"The webhook {_options.Url}");
            _said = _clock.GetTimestamp();
        }
    }

    private async Task<(string? Text, string? Problem)> FetchAsync()
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, _options.Url);
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/plain"));
            if (_options.KeyFile is { } file)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(file)).Trim());
            using var response = await _client.SendAsync(request);
            if (!response.IsSuccessStatusCode)
                return (null, $"The webhook {_options.Url} answers {(int)response.StatusCode}; 200 with the message is expected.");
            return (Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync()), null);
        }
        catch (OperationCanceledException)
        {
            return (null, $"The webhook {_options.Url} did not answer within {Patience.TotalSeconds} s.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or FormatException or ObjectDisposedException)
        {
            return (null, $"The webhook {_options.Url} cannot be asked: {e.Message}");
        }
    }
}
