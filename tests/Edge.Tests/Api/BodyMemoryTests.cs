using System.Net.Sockets;
using System.Text;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Tests.Api;

/// <summary>Bodies of requests share one memory, counted as they arrive.</summary>
public sealed class BodyMemoryTests
{
    private const int Body = 32 << 20;

    private const string Announcement =
        "POST /api/v1/solve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12000000\r\n\r\n{";

    [Fact]
    public void The_one_that_no_longer_fits_is_refused_and_what_others_give_back_can_be_taken()
    {
        var memory = new BodyMemory(Body);
        using var first = memory.Open();
        using var second = memory.Open();
        first.Add(Body);
        second.Add(Body);
        Assert.Equal(ErrorReason.Busy, Assert.Throws<ApiException>(() => second.Add(1)).Reason);
        first.Dispose();
        second.Add(Body);
        Assert.Throws<ApiException>(() => second.Add(1));
        second.Dispose();
        using var third = memory.Open();
        third.Add(2 * Body);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((64 << 10) - 1)]
    [InlineData(64 << 10)]
    [InlineData((3 * (64 << 10)) + 17)]
    public async Task A_body_in_blocks_is_the_same_as_in_one_piece(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        using var share = new BodyMemory(Body).Open();
        using var blocks = await BodyBlocks.ReadAsync(new MemoryStream(bytes), share, ServeRig.Stop);

        Assert.Equal(bytes, blocks.Copy(0, length));
        Assert.Equal(bytes[(length / 3)..(length / 2)], blocks.Copy(length / 3, (length / 2) - (length / 3)));
        using var copy = new MemoryStream();
        var stream = blocks.Open();
        stream.Position = length / 4;
        await stream.CopyToAsync(copy, ServeRig.Stop);
        Assert.Equal(bytes[(length / 4)..], copy.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => blocks.Copy(length, 1));
        blocks.Dispose();
        Assert.Equal(0, blocks.Length);
    }

    [Fact]
    public void A_small_limit_of_bodies_still_leaves_room_for_many()
    {
        var memory = new BodyMemory(1024);
        using var share = memory.Open();
        share.Add(24 << 20);
        Assert.Throws<ApiException>(() => share.Add(1));
    }

    [Fact]
    public async Task Clients_that_announce_much_and_send_little_take_little()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var trickling = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 20; i++)
            {
                var client = new TcpClient();
                trickling.Add(client);
                await client.ConnectAsync(rig.Client.BaseAddress!.Host, rig.Client.BaseAddress.Port, ServeRig.Stop);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Announcement), ServeRig.Stop);
            }
            // 20 times 12 MB are more than all bodies may take together.
            Assert.Equal("cat dog", (await rig.Solve()).GetProperty("answer").GetString());
        }
        finally
        {
            trickling.ForEach(client => client.Dispose());
        }
    }
}
