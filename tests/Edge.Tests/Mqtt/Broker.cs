using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MQTTnet.Protocol;
using MQTTnet.Server;
using Vlm.Edge.Tests.Api;

namespace Vlm.Edge.Tests.Mqtt;

/// <summary>A broker in this process.</summary>
internal sealed class Broker : IDisposable
{
    private readonly MqttServer _server;
    private readonly ConcurrentDictionary<string, string> _stands = new();

    private Broker(MqttServer server) => _server = server;

    public ConcurrentQueue<string> Seen { get; } = new();

    public static async Task<Broker> StartAsync(int port, string? password = null)
    {
        var options = new MqttServerOptionsBuilder().WithDefaultEndpoint().WithDefaultEndpointPort(port)
            .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback).WithDefaultEndpointBoundIPV6Address(IPAddress.None).Build();
        var broker = new Broker(new MqttServerFactory().CreateMqttServer(options));
        broker._server.ValidatingConnectionAsync += client =>
        {
            if (password is not null && client.Password != password) client.ReasonCode = MqttConnectReasonCode.BadUserNameOrPassword;
            return Task.CompletedTask;
        };
        broker._server.InterceptingPublishAsync += said =>
        {
            var text = Encoding.UTF8.GetString(said.ApplicationMessage.Payload);
            broker.Seen.Enqueue($"{said.ApplicationMessage.Topic} {text}");
            if (said.ApplicationMessage.Retain) broker._stands[said.ApplicationMessage.Topic] = text;
            return Task.CompletedTask;
        };
        await broker._server.StartAsync();
        return broker;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public string? Stands(string topic) => _stands.GetValueOrDefault(topic);

    public Task SayAsync(string topic, string payload) => SayAsync(topic, Encoding.UTF8.GetBytes(payload));

    public Task SayAsync(string topic, byte[] payload) => _server.InjectApplicationMessage(
        new InjectedMqttApplicationMessage(new MQTTnet.MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload).WithRetainFlag().Build())
        {
            SenderClientId = "site",
        },
        ServeRig.Stop);

    /// <summary>Cuts every connection without a word.</summary>
    public async Task CutAsync()
    {
        foreach (var client in await _server.GetClientsAsync()) await _server.DisconnectClientAsync(client.Id, MqttDisconnectReasonCode.UnspecifiedError);
    }

    public void Dispose()
    {
        _server.StopAsync().GetAwaiter().GetResult();
        _server.Dispose();
    }
}
