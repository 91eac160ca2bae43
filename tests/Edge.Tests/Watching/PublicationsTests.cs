using System.Text.Json;
using Vlm.Edge.Answers;
using Vlm.Edge.Cameras;
using Vlm.Edge.Mqtt;
using Vlm.Edge.Queries;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Mqtt;
using Vlm.Edge.Tests.Queries;
using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>Where published answers go.</summary>
public sealed class PublicationsTests
{
    private static readonly Answer Cat = new() { Id = "1", Text = "cat", By = AnsweredBy.Edge, Model = "m", Confidence = 0.5, IsCertified = true };

    [Fact]
    public async Task An_answer_is_an_event_and_stands_at_its_topic_until_it_is_withdrawn()
    {
        var options = new MqttOptions { Host = "127.0.0.1", Port = Broker.FreePort(), DiscoveryPrefix = "homeassistant" };
        using var broker = await Broker.StartAsync(options.Port);
        await using var rig = new DaemonRig(0.99, null);
        using var link = new MqttLink(options, [], TimeProvider.System, () => 0, _ => { });
        var publications = new Publications(rig.Daemon.Events, link, options, TimeProvider.System);
        publications.Begin(["door"]);
        await link.StartAsync(ServeRig.Stop);
        await Until(broker, "edge/cameras/door/answer", body => body.GetProperty("reason").GetString() == "starting");
        await Until(broker, "homeassistant/device/edge/config", body => body.GetProperty("availability_topic").GetString() == "edge/status"
            && body.GetProperty("components").GetProperty("door_answer").GetProperty("state_topic").GetString() == "edge/cameras/door/answer"
            && body.GetProperty("components").GetProperty("door_state").GetProperty("state_topic").GetString() == "edge/cameras/door/state");

        publications.Tell(new WatchNews.Published("door", Cat, "c a t"));
        await Until(broker, "edge/cameras/door/answer", body => body.GetProperty("answer").GetString() == "cat" && body.GetProperty("certified").GetBoolean());
        publications.Tell(new WatchNews.Withdrawn("door", "1", WithdrawalReason.SheetGone));
        await Until(broker, "edge/cameras/door/answer", body =>
            body.GetProperty("answer").ValueKind == JsonValueKind.Null && body.GetProperty("reason").GetString() == "sheet_gone");
        publications.Tell(new WatchNews.Camera("door", CameraCondition.Frozen, CameraReason.Frozen, default));
        await Until(broker, "edge/cameras/door/state", body => body.GetProperty("state").GetString() == "frozen");

        using var listener = rig.Daemon.Events.Listen(0)!;
        Assert.True(listener.Events.TryRead(out var published));
        Assert.Equal(new EdgeEvent.Published("door", "1", "c a t", "cat", 0.5, true, AnsweredBy.Edge), published.Event);
        Assert.True(listener.Events.TryRead(out var withdrawn));
        Assert.Equal(new EdgeEvent.Withdrawn("door", "1", "sheet_gone"), withdrawn.Event);
        Assert.False(listener.Events.TryRead(out _));
        await link.StopAsync(ServeRig.Stop);
    }

    [Fact]
    public async Task Of_cameras_that_are_gone_nothing_stands_and_new_ones_are_described()
    {
        var options = new MqttOptions { Host = "127.0.0.1", Port = Broker.FreePort(), DiscoveryPrefix = "homeassistant" };
        using var broker = await Broker.StartAsync(options.Port);
        await using var rig = new DaemonRig(0.99, null);
        using var link = new MqttLink(options, [], TimeProvider.System, () => 0, _ => { });
        var publications = new Publications(rig.Daemon.Events, link, options, TimeProvider.System);
        publications.Begin(["door"]);
        await link.StartAsync(ServeRig.Stop);
        await Until(broker, "edge/cameras/door/answer", body => body.GetProperty("reason").GetString() == "starting");

        publications.Change(["yard"], ["yard"], ["door"]);

        await Until(broker, "edge/cameras/yard/answer", body => body.GetProperty("reason").GetString() == "starting");
        await Until(broker, "homeassistant/device/edge/config", body =>
            body.GetProperty("components").GetProperty("yard_answer").TryGetProperty("state_topic", out _)
            && body.GetProperty("components").GetProperty("door_answer").EnumerateObject().Single().Name == "platform");
        Assert.Equal("", broker.Stands("edge/cameras/door/answer"));
        await link.StopAsync(ServeRig.Stop);
    }

    private static async Task Until(Broker broker, string topic, Func<JsonElement, bool> wanted)
    {
        for (var i = 0; i < 3000; i++)
        {
            if (broker.Stands(topic) is { Length: > 0 } text)
            {
                using var body = JsonDocument.Parse(text);
                if (wanted(body.RootElement)) return;
            }
            await Task.Delay(20, ServeRig.Stop);
        }
        throw new TimeoutException($"{topic} did not become as wanted; it is {broker.Stands(topic)}");
    }
}
