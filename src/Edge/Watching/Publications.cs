using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vlm.Edge.Mqtt;
using Vlm.Edge.Queries;
using Vlm.Text;

namespace Vlm.Edge.Watching;

/// <summary>What stands at a camera's topic. <c>answer</c> is null while nothing is published; <c>reason</c> says then why.</summary>
internal sealed record AnswerTopic(
    string Camera, string? Answer, string? Code, double? Confidence, bool Certified, string? AnsweredBy, string? Id, string? Reason, DateTimeOffset At);

/// <summary>How a camera is, as its topic says.</summary>
internal sealed record CameraTopic(string Camera, string State, string Reason, DateTimeOffset Since);

/// <summary>Where published answers go: the event stream and, if there is one, the broker. No picture goes there.</summary>
/// <param name="events">Keeps and sends events.</param>
/// <param name="broker">Null without one.</param>
/// <param name="options">The broker's; null without one.</param>
/// <param name="clock">For people.</param>
internal sealed class Publications(EventStream events, MqttLink? broker, MqttOptions? options, TimeProvider clock)
{
    /// <summary>What the broker kept from an earlier run is not true of this one.</summary>
    public void Begin(IReadOnlyList<string> cameras)
    {
        foreach (var camera in cameras) Say(new AnswerTopic(camera, null, null, null, false, null, null, "starting", clock.GetUtcNow()));
        Describe(cameras, []);
    }

    /// <summary>Other cameras from now on: nothing stands any more at the topics of those that are gone.</summary>
    /// <param name="cameras">All there are.</param>
    /// <param name="fresh">Those of them that were not there before.</param>
    /// <param name="gone">Those that are no longer there.</param>
    public void Change(IReadOnlyList<string> cameras, IReadOnlyList<string> fresh, IReadOnlyList<string> gone)
    {
        if (broker is null || options is null) return;
        foreach (var camera in fresh) Say(new AnswerTopic(camera, null, null, null, false, null, null, "starting", clock.GetUtcNow()));
        foreach (var topic in gone.SelectMany(camera => (string[])[Topic(options, camera, "answer"), Topic(options, camera, "state")])) broker.Say(topic, "");
        Describe(cameras, gone);
    }

    /// <summary>Passes on what is published of a camera, or no longer.</summary>
    public void Tell(WatchNews news)
    {
        switch (news)
        {
            case WatchNews.Published(var camera, var answer, var code):
                events.Publish(new EdgeEvent.Published(camera, answer.Id, code, answer.Text ?? "", answer.Confidence, answer.IsCertified, answer.By));
                Say(new AnswerTopic(
                    camera, answer.Text, code, answer.Confidence, answer.IsCertified, answer.By.ToLabel(), answer.Id, null, clock.GetUtcNow()));
                break;
            case WatchNews.Withdrawn(var camera, var id, var why):
                events.Publish(new EdgeEvent.Withdrawn(camera, id, why.ToLabel()));
                Say(new AnswerTopic(camera, null, null, null, false, null, id, why.ToLabel(), clock.GetUtcNow()));
                break;
            case WatchNews.Camera(var camera, var condition, var reason, var since):
                if (options is not null)
                {
                    broker?.Say(Topic(options, camera, "state"), JsonSerializer.Serialize(
                        new CameraTopic(camera, condition.ToLabel(), reason.ToLabel(), since), WatchJson.Default.CameraTopic));
                }
                break;
            default:
                throw new UnreachableException();
        }
    }

    private void Describe(IReadOnlyList<string> cameras, IReadOnlyList<string> gone)
    {
        if (options?.DiscoveryPrefix is { } discovery)
            broker?.Say($"{discovery}/device/{options.ClientId}/config", Describe(options, broker.StatusTopic, cameras, gone));
    }

    /// <summary>
    /// The box as Home Assistant's device discovery wants it described: per camera its answer, and whether it is there; of cameras that are gone the platform
    /// alone, which takes them out.
    /// </summary>
    private static string Describe(MqttOptions options, string statusTopic, IReadOnlyList<string> cameras, IReadOnlyList<string> gone) => new JsonObject
    {
        ["device"] = new JsonObject { ["identifiers"] = new JsonArray(options.ClientId), ["name"] = options.ClientId },
        ["origin"] = new JsonObject { ["name"] = "edge" },
        ["availability_topic"] = statusTopic,
        ["components"] = new JsonObject([.. cameras.SelectMany(camera => Components(options, camera)), .. gone.SelectMany(Removals)]),
    }.ToJsonString();

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Removals(string camera) =>
    [
        KeyValuePair.Create($"{camera}_answer", (JsonNode?)new JsonObject { ["platform"] = "sensor" }),
        KeyValuePair.Create($"{camera}_state", (JsonNode?)new JsonObject { ["platform"] = "binary_sensor" }),
    ];

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Components(MqttOptions options, string camera)
    {
        yield return KeyValuePair.Create($"{camera}_answer", (JsonNode?)new JsonObject
        {
            ["platform"] = "sensor",
            ["unique_id"] = $"{options.ClientId}_{camera}_answer",
            ["name"] = $"{camera} answer",
            ["state_topic"] = Topic(options, camera, "answer"),
            ["value_template"] = "{{ value_json.answer }}",
            ["json_attributes_topic"] = Topic(options, camera, "answer"),
        });
        yield return KeyValuePair.Create($"{camera}_state", (JsonNode?)new JsonObject
        {
            ["platform"] = "binary_sensor",
            ["unique_id"] = $"{options.ClientId}_{camera}_state",
            ["name"] = $"{camera} camera",
            ["device_class"] = "connectivity",
            ["state_topic"] = Topic(options, camera, "state"),
            ["value_template"] = "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
            ["json_attributes_topic"] = Topic(options, camera, "state"),
        });
    }

    private static string Topic(MqttOptions options, string camera, string what) => $"{options.Prefix}/cameras/{camera}/{what}";

    private void Say(AnswerTopic now)
    {
        if (options is not null) broker?.Say(Topic(options, now.Camera, "answer"), JsonSerializer.Serialize(now, WatchJson.Default.AnswerTopic));
    }
}
