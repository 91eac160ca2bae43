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
        if (broker is null || options is null) return;
        foreach (var camera in cameras) Say(new AnswerTopic(camera, null, null, null, false, null, null, "starting", clock.GetUtcNow()));
        if (options.DiscoveryPrefix is { } discovery)
            broker.Say($"{discovery}/device/{options.ClientId}/config", Describe(options, broker.StatusTopic, cameras));
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
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>The box as Home Assistant's device discovery wants it described: one sensor a camera.</summary>
    public static string Describe(MqttOptions options, string statusTopic, IReadOnlyList<string> cameras) => new JsonObject
    {
        ["device"] = new JsonObject { ["identifiers"] = new JsonArray(options.ClientId), ["name"] = options.ClientId },
        ["origin"] = new JsonObject { ["name"] = "edge" },
        ["availability_topic"] = statusTopic,
        ["components"] = new JsonObject(cameras.Select(camera => KeyValuePair.Create(camera, (JsonNode?)new JsonObject
        {
            ["platform"] = "sensor",
            ["unique_id"] = $"{options.ClientId}_{camera}",
            ["name"] = camera,
            ["state_topic"] = Topic(options, camera),
            ["value_template"] = "{{ value_json.answer }}",
            ["json_attributes_topic"] = Topic(options, camera),
        }))),
    }.ToJsonString();

    private static string Topic(MqttOptions options, string camera) => $"{options.Prefix}/cameras/{camera}/answer";

    private void Say(AnswerTopic now)
    {
        if (options is not null) broker?.Say(Topic(options, now.Camera), JsonSerializer.Serialize(now, WatchJson.Default.AnswerTopic));
    }
}
