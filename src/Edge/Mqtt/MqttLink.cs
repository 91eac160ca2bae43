using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Protocol;

namespace Vlm.Edge.Mqtt;

/// <summary>The connection to the broker: says what stands, hears messages, and comes back when it breaks; the only file that knows the MQTT package.</summary>
/// <remarks>
/// Thread-safe. What stands at a topic is kept here, the last of each topic alone, and said again at every connection: nothing piles up while there is none.
/// Everything is retained, at least once. The topic <c>status</c> says <c>online</c>, and by the broker's own hand <c>offline</c> when the box is lost.
/// </remarks>
internal sealed class MqttLink : BackgroundService
{
    private const int LongestMessage = 4096;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(60), Patience = TimeSpan.FromSeconds(10);

    private readonly MqttOptions _options;
    private readonly TimeProvider _clock;
    private readonly Func<double> _random;
    private readonly Action<string?> _alarm;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _stands = [];
    private readonly HashSet<string> _unsaid = [];
    private readonly Dictionary<string, string> _last = [];
    // One token says that there is something to say; more would say nothing more.
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile IReadOnlyList<string> _heard;
    private volatile bool _isConnected;

    /// <param name="options">Checked.</param>
    /// <param name="heard">Topics that are listened to.</param>
    /// <param name="clock">For pauses.</param>
    /// <param name="random">Draws from [0, 1): boxes come back at different times.</param>
    /// <param name="alarm">Hears what is wrong, and null when it is well again.</param>
    public MqttLink(MqttOptions options, IReadOnlyList<string> heard, TimeProvider clock, Func<double> random, Action<string?> alarm)
    {
        (_options, _heard, _clock, _random, _alarm) = (options, heard, clock, random, alarm);
        Say(StatusTopic, "online");
    }

    public bool IsConnected => _isConnected;

    /// <summary>Where it says whether the box is there.</summary>
    public string StatusTopic => $"{_options.Prefix}/status";

    /// <summary>Listens to other topics from now on.</summary>
    public void Listen(IReadOnlyList<string> topics)
    {
        lock (_lock)
        {
            _heard = topics;
            foreach (var topic in _last.Keys.Except(topics).ToArray()) _last.Remove(topic);
        }
        Wake();
    }

    /// <summary>Says what stands at a topic from now on; at once when there is a connection, else when there is one. Empty: nothing stands there.</summary>
    public void Say(string topic, string payload)
    {
        lock (_lock)
        {
            if (_stands.GetValueOrDefault(topic) == payload) return;
            _stands[topic] = payload;
            _unsaid.Add(topic);
        }
        Wake();
    }

    /// <summary>What came last at a topic that is listened to; null before anything did.</summary>
    public string? Last(string topic)
    {
        lock (_lock) return _last.GetValueOrDefault(topic);
    }

    /// <summary>The pause before the next attempt. Pure.</summary>
    /// <param name="failures">Attempts in a row that failed, at least 1.</param>
    /// <param name="draw">From [0, 1).</param>
    public static TimeSpan Pause(int failures, double draw)
    {
        var most = Math.Min(LongestPause.TotalSeconds, FirstPause.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 10)));
        return TimeSpan.FromSeconds(most * (0.5 + (draw / 2)));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            var problem = "The broker closed the connection";
            using var client = new MqttClientFactory().CreateMqttClient();
            try
            {
                await ConnectAsync(client, stoppingToken);
                (failures, _isConnected) = (0, true);
                _alarm(null);
                await SpeakAsync(client, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                await LeaveAsync(client);
                return;
            }
            catch (Exception e) when (e is MqttCommunicationException or MqttProtocolViolationException or OperationCanceledException or IOException
                or UnauthorizedAccessException or InvalidOperationException)
            {
                problem = e.Message;
            }
            finally
            {
                _isConnected = false;
            }
            _alarm($"The broker {_options.Host}:{_options.Port} cannot be used: {problem.TrimEnd('.')}");
            await Task.Delay(Pause(++failures, _random()), _clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ConnectAsync(IMqttClient client, CancellationToken stop)
    {
        client.ApplicationMessageReceivedAsync += Hear;
        client.DisconnectedAsync += _ =>
        {
            Wake();
            return Task.CompletedTask;
        };
        var builder = new MqttClientOptionsBuilder().WithTcpServer(_options.Host, _options.Port).WithClientId(_options.ClientId).WithCleanSession()
            .WithTimeout(Patience).WithKeepAlivePeriod(TimeSpan.FromSeconds(30))
            .WithWillTopic(StatusTopic).WithWillPayload("offline").WithWillRetain().WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce);
        if (_options.Tls) builder = builder.WithTlsOptions(tls => tls.UseTls());
        if (_options.User is { } user)
        {
            var password = _options.PasswordFile is { } file ? (await File.ReadAllTextAsync(file, stop)).TrimEnd('\r', '\n') : "";
            builder = builder.WithCredentials(user, password);
        }
        await client.ConnectAsync(builder.Build(), stop);
        lock (_lock) _unsaid.UnionWith(_stands.Keys);
    }

    private async Task SpeakAsync(IMqttClient client, CancellationToken stop)
    {
        var subscribed = new HashSet<string>();
        while (client.IsConnected)
        {
            await SubscribeAsync(client, subscribed, stop);
            foreach (var (topic, payload) in Unsaid())
            {
                await PublishAsync(client, topic, payload, stop);
                if (payload.Length == 0) Forget(topic);
            }
            await _news.Reader.ReadAsync(stop);
        }
    }

    private async Task SubscribeAsync(IMqttClient client, HashSet<string> subscribed, CancellationToken stop)
    {
        var heard = _heard;
        foreach (var topic in subscribed.Except(heard).ToArray())
        {
            await client.UnsubscribeAsync(topic, stop);
            subscribed.Remove(topic);
        }
        foreach (var topic in heard.Where(subscribed.Add)) await client.SubscribeAsync(topic, MqttQualityOfServiceLevel.AtLeastOnce, stop);
    }

    /// <summary>The broker knows that nothing stands there.</summary>
    private void Forget(string topic)
    {
        lock (_lock)
        {
            if (_stands.GetValueOrDefault(topic) is "") _stands.Remove(topic);
        }
    }

    private List<(string Topic, string Payload)> Unsaid()
    {
        lock (_lock)
        {
            var all = _unsaid.Select(topic => (topic, _stands[topic])).ToList();
            _unsaid.Clear();
            return all;
        }
    }

    private static Task<MqttClientPublishResult> PublishAsync(IMqttClient client, string topic, string payload, CancellationToken stop) => client.PublishAsync(
        new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload).WithRetainFlag()
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build(),
        stop);

    /// <summary>The will is not read out when somebody takes leave, so the box says itself that it is gone.</summary>
    private async Task LeaveAsync(IMqttClient client)
    {
        if (!client.IsConnected) return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), _clock);
        try
        {
            await PublishAsync(client, StatusTopic, "offline", limit.Token);
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token);
        }
        catch (Exception e) when (e is MqttCommunicationException or OperationCanceledException or InvalidOperationException)
        {
            // The broker finds out by itself, and says offline.
        }
    }

    private Task Hear(MqttApplicationMessageReceivedEventArgs received)
    {
        var (topic, payload) = (received.ApplicationMessage.Topic, received.ApplicationMessage.Payload);
        if (payload.Length > LongestMessage) return Task.CompletedTask;
        var text = Encoding.UTF8.GetString(payload);
        lock (_lock)
        {
            if (_heard.Contains(topic)) _last[topic] = text;
        }
        return Task.CompletedTask;
    }

    private void Wake() => _news.Writer.TryWrite(true);
}
