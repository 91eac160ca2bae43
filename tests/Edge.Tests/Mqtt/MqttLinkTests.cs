using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Messages;
using Vlm.Edge.Mqtt;
using Vlm.Edge.Tests.Api;

namespace Vlm.Edge.Tests.Mqtt;

/// <summary>The connection to a broker: a real one, in this process.</summary>
public sealed class MqttLinkTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly ConcurrentQueue<string?> _alarms = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task What_stands_is_retained_at_the_broker_and_said_again_to_one_that_forgot_it()
    {
        var port = Broker.FreePort();
        using var link = Link(port);
        await link.StartAsync(ServeRig.Stop);
        link.Say("edge/cameras/door/answer", "cat");
        link.Say("edge/cameras/door/answer", "dog");
        // Not there yet.
        await Until(() => _alarms.Any(alarm => alarm is not null), "the alarm");

        using (var broker = await Broker.StartAsync(port))
            await Until(() => broker.Stands("edge/cameras/door/answer") == "dog" && broker.Stands("edge/status") == "online", "what stands");
        using (var broker = await Broker.StartAsync(port))
        {
            await Until(() => broker.Stands("edge/cameras/door/answer") == "dog", "what stands, again");
            Assert.Null(_alarms.Last());
            await link.StopAsync(ServeRig.Stop);
            await Until(() => broker.Stands("edge/status") == "offline", "the farewell");
        }
    }

    [Fact]
    public async Task The_broker_says_that_the_box_is_gone_when_it_is_lost()
    {
        var port = Broker.FreePort();
        using var broker = await Broker.StartAsync(port);
        using var link = Link(port);
        await link.StartAsync(ServeRig.Stop);
        await Until(() => broker.Stands("edge/status") == "online", "the greeting");

        await broker.CutAsync();

        await Until(() => broker.Seen.Contains("edge/status offline"), "the last will");
        await Until(() => broker.Stands("edge/status") == "online", "the return");
    }

    [Fact]
    public async Task Messages_are_heard_also_those_that_were_said_before_and_others_are_not()
    {
        var port = Broker.FreePort();
        using var broker = await Broker.StartAsync(port);
        await broker.SayAsync("site/message", "l b p");
        using var link = Link(port, "site/message");
        await link.StartAsync(ServeRig.Stop);
        await Until(() => link.Last("site/message") == "l b p", "the retained message");

        await broker.SayAsync("site/message", new string('x', 5000));
        await broker.SayAsync("site/other", "no");
        await broker.SayAsync("site/message", "");

        await Until(() => link.Last("site/message") == "", "the empty message");
        Assert.Null(link.Last("site/other"));
    }

    [Fact]
    public async Task Other_topics_are_heard_without_another_connection_and_the_old_ones_are_forgotten()
    {
        var port = Broker.FreePort();
        using var broker = await Broker.StartAsync(port);
        await broker.SayAsync("site/message", "l b p");
        await broker.SayAsync("site/other", "d o g");
        using var link = Link(port, "site/message");
        await link.StartAsync(ServeRig.Stop);
        await Until(() => link.Last("site/message") == "l b p", "the first message");

        link.Listen(["site/other"]);

        await Until(() => link.Last("site/other") == "d o g", "the other message");
        await broker.SayAsync("site/message", "late");
        await broker.SayAsync("site/other", "c a t");
        await Until(() => link.Last("site/other") == "c a t", "the next one");
        Assert.Null(link.Last("site/message"));
        Assert.DoesNotContain("edge/status offline", broker.Seen);
    }

    [Fact]
    public async Task Whatever_is_said_to_it_the_link_stands_and_the_next_message_is_heard()
    {
        var port = Broker.FreePort();
        using var broker = await Broker.StartAsync(port);
        using var link = Link(port, "site/message");
        await link.StartAsync(ServeRig.Stop);
        await Until(() => broker.Stands("edge/status") == "online", "the greeting");
        var topic = new TopicMessage("site/message", link.Last);

        foreach (var bytes in Mutations.Of([.. "l b p _ o c d"u8, 0xFF, 0xC0, 0x00, 0xED, 0xA0, 0x80], 200, seed: 22))
        {
            await broker.SayAsync("site/message", bytes);
            _ = topic.Now;
        }
        await broker.SayAsync("site/message", "d o g");

        await Until(() => topic.Now.Code == "d o g", "the message");
        Assert.DoesNotContain("edge/status offline", broker.Seen);
        Assert.DoesNotContain(_alarms, alarm => alarm is not null);
    }

    [Fact]
    public async Task A_wrong_password_is_an_alarm_and_the_right_one_is_taken_when_it_is_there()
    {
        var port = Broker.FreePort();
        using var broker = await Broker.StartAsync(port, password: "right");
        File.WriteAllText(_files.File("password"), "wrong\n");
        var options = new MqttOptions { Host = "127.0.0.1", Port = port, User = "box", PasswordFile = _files.File("password") };
        using var link = new MqttLink(options, [], TimeProvider.System, () => 0, _alarms.Enqueue);
        await link.StartAsync(ServeRig.Stop);
        await Until(() => _alarms.Any(alarm => alarm is not null), "the alarm");
        Assert.DoesNotContain("wrong", _alarms.First(), StringComparison.Ordinal);

        File.WriteAllText(_files.File("password"), "right\n");

        await Until(() => broker.Stands("edge/status") == "online", "the greeting");
    }

    [Fact]
    public void Pauses_grow_to_a_minute_and_no_further() => Check.One(Config.QuickThrowOnFailure, Prop.ForAll(
        (from failures in Gen.Choose(1, 10_000)
         from draw in Gen.Choose(0, 999)
         select (failures, draw: draw / 1000.0)).ToArbitrary(),
        drawn =>
        {
            var pause = MqttLink.Pause(drawn.failures, drawn.draw).TotalSeconds;
            Assert.InRange(pause, Math.Min(60, Math.Pow(2, Math.Min(drawn.failures - 1, 10))) / 2, 60);
        }));

    private MqttLink Link(int port, params string[] heard) =>
        new(new MqttOptions { Host = "127.0.0.1", Port = port }, heard, TimeProvider.System, () => 0, _alarms.Enqueue);

    private static async Task Until(Func<bool> wanted, string what)
    {
        for (var i = 0; i < 3000; i++)
        {
            if (wanted()) return;
            await Task.Delay(20, ServeRig.Stop);
        }
        throw new TimeoutException($"Waited for {what} in vain");
    }
}
