using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Vlm.Hosting;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Api;

/// <summary>Whatever bytes come in: an answer, or an error object with what is wrong. Never a 500.</summary>
public sealed class HostileRequestsTests
{
    private const string Boundary = "a-boundary";

    [Fact]
    public async Task A_form_that_ends_early_or_has_another_boundary_is_refused_by_what_is_wrong()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var whole = Form(("picture", "a.png", ServeRig.Picture()), ("code", null, "c a t _ d o g"u8.ToArray()));
        Assert.Equal(200, await Send(rig, "/api/v1/solve", FormType, whole));

        int[] lengths = [0, 1, 40, 120, 400, whole.Length - 100, whole.Length - 30, whole.Length - 4];
        foreach (var length in lengths)
            Assert.Equal(400, await Send(rig, "/api/v1/solve", FormType, whole[..length]));
        Assert.Equal(400, await Send(rig, "/api/v1/solve", "multipart/form-data; boundary=another", whole));
        Assert.Equal(400, await Send(rig, "/api/v1/solve", "multipart/form-data", whole));
        Assert.Equal(400, await Send(rig, "/api/v1/solve", $"multipart/form-data; boundary={new string('x', 300)}", whole));
    }

    [Fact]
    public async Task Two_pictures_or_two_codes_in_a_form_are_refused()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var (picture, code) = (ServeRig.Picture(), "c a t _ d o g"u8.ToArray());
        Assert.Equal(400, await Send(rig, "/api/v1/solve", FormType, Form(("picture", "a.png", picture), ("picture", "b.png", picture), ("code", null, code))));
        Assert.Equal(400, await Send(rig, "/api/v1/solve", FormType, Form(("picture", "a.png", picture), ("code", null, code), ("code", null, code))));
        Assert.Equal(400, await Send(rig, "/api/v1/solve", FormType, Form(("code", null, code))));
    }

    [Theory]
    [InlineData("bogus", 400)]
    [InlineData("utf-16", 400)]
    [InlineData("\"\"", 400)]
    [InlineData("UTF-8", 200)]
    [InlineData("\"utf-8\"", 200)]
    public async Task A_charset_that_json_does_not_have_is_refused(string charset, int status)
    {
        await using var rig = await ServeRig.Start(0.99, null);
        foreach (var (path, body) in ((string, byte[])[])[("/api/v1/solve", Solve), ("/v1/chat/completions", Chat())])
            Assert.Equal(status, await Send(rig, path, $"application/json; charset={charset}", body));
    }

    [Fact]
    public async Task A_stream_ends_with_the_usage_when_it_is_asked_for()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        using var content = new ByteArrayContent(Chat(", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await rig.Client.PostAsync("/v1/chat/completions", content, ServeRig.Stop);
        var lines = (await response.Content.ReadAsStringAsync(ServeRig.Stop)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("data: [DONE]", lines[^1]);
        using var last = JsonDocument.Parse(lines[^2]["data: ".Length..]);
        Assert.Equal(0, last.RootElement.GetProperty("choices").GetArrayLength());
        var usage = last.RootElement.GetProperty("usage");
        Assert.True(usage.GetProperty("prompt_tokens").GetInt32() > 0 && usage.GetProperty("completion_tokens").GetInt32() > 0);
        Assert.Equal(usage.GetProperty("prompt_tokens").GetInt32() + usage.GetProperty("completion_tokens").GetInt32(),
            usage.GetProperty("total_tokens").GetInt32());
    }

    [Theory]
    [InlineData("\"max_tokens\": 0")]
    [InlineData("\"max_tokens\": -5")]
    [InlineData("\"temperature\": \"hot\"")]
    [InlineData("\"temperature\": 3")]
    [InlineData("\"stream_options\": {\"include_usage\": true}")]
    [InlineData("\"response_format\": {\"type\": \"json_object\"}")]
    [InlineData("\"foo\": 1")]
    public async Task A_parameter_that_cannot_be_honoured_is_refused(string parameter)
    {
        await using var rig = await ServeRig.Start(0.99, null);
        Assert.Equal(400, await Send(rig, "/v1/chat/completions", "application/json", Chat($", {parameter}")));
    }

    [Fact]
    public async Task A_jpeg_that_only_lacks_its_end_mark_is_answered_with_a_warning()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var jpeg = ImageCodec.EncodeJpeg(ImageCodec.Decode(ServeRig.Picture()), 90);
        using var response = await rig.PostForm(jpeg[..^2], ServeRig.Code);
        var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(ServeRig.Stop)).RootElement;
        Assert.Contains("lacks its end mark", answer.GetProperty("warning").GetString(), StringComparison.Ordinal);
        // The same scene again, from the cache, of a sound file.
        using var again = await rig.PostForm(jpeg, ServeRig.Code);
        answer = JsonDocument.Parse(await again.Content.ReadAsStringAsync(ServeRig.Stop)).RootElement;
        Assert.Equal(("cache", JsonValueKind.Null), (answer.GetProperty("answered_by").GetString(), answer.GetProperty("warning").ValueKind));
    }

    [Fact]
    public async Task Damaged_bodies_are_answered_or_refused_and_never_a_500()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        (string Path, string Type, byte[] Body)[] kinds =
        [
            ("/api/v1/solve", FormType,
                Form(("picture", "a.png", ServeRig.Picture()), ("code", null, "c a t _ d o g"u8.ToArray()), ("mode", null, "local-only"u8.ToArray()))),
            ("/api/v1/solve", "application/json", Solve),
            ("/v1/chat/completions", "application/json", Chat()),
        ];
        foreach (var (path, type, body) in kinds)
        {
            foreach (var bytes in Mutations.Of(body, 120, seed: 7))
                Assert.InRange(await Send(rig, path, type, bytes), 200, 499);
        }
    }

    [Fact]
    public void A_damaged_configuration_is_read_or_refused_by_name()
    {
        foreach (var file in (string[])["edge.yaml", "escalation.yaml"])
        {
            foreach (var bytes in Mutations.Of(File.ReadAllBytes(Path.Combine(Repository.Root, "deploy", file)), 300, seed: 8))
            {
                try
                {
                    ConfigFile.Parse<EdgeConfig>(Encoding.UTF8.GetString(bytes), "damaged.yaml");
                }
                catch (ConfigException error)
                {
                    Assert.Contains("damaged.yaml", error.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void A_damaged_key_file_is_read_or_refused_by_name_and_lets_nobody_in()
    {
        using var files = new TestFiles();
        var path = files.File("keys");
        var good = Encoding.ASCII.GetBytes($"# keys\n{ApiKeys.ToLine("door", "a")}\n{ApiKeys.ToLine("chief", "b", Roles.All)}\n");
        foreach (var bytes in Mutations.Of(good, 500, seed: 9))
        {
            File.WriteAllBytes(path, bytes);
            try
            {
                Assert.Null(new ApiKeys(new KeySource(true, path, null, "the setting"), TimeProvider.System, NullLogger<ApiKeys>.Instance).Find("c"));
            }
            catch (ConfigException error)
            {
                Assert.Matches(Regex.Escape(path) + "|the setting", error.Message);
            }
        }
    }

    private static string FormType => $"multipart/form-data; boundary={Boundary}";

    private static byte[] Solve =>
        Encoding.UTF8.GetBytes($$"""{"picture": "{{ServeRig.DataUri()}}", "code": "c a t _ d o g", "mode": "local-only", "deadline_ms": 9000}""");

    private static byte[] Chat(string more = "") => Encoding.UTF8.GetBytes(
        """
        {"model": "package", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "PICTURE"}},
          {"type": "text", "text": "c a t _ d o g"}]}]MORE}
        """
            .Replace("PICTURE", ServeRig.DataUri(), StringComparison.Ordinal).Replace("MORE", more, StringComparison.Ordinal));

    private static byte[] Form(params (string Name, string? File, byte[] Value)[] parts)
    {
        var body = new List<byte>();
        foreach (var (name, file, value) in parts)
        {
            var kind = file is null ? "" : $"; filename=\"{file}\"\r\nContent-Type: image/png";
            var header = $"--{Boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{kind}\r\n\r\n";
            body.AddRange([.. Encoding.ASCII.GetBytes(header), .. value, .. "\r\n"u8]);
        }
        return [.. body, .. Encoding.ASCII.GetBytes($"--{Boundary}--\r\n")];
    }

    /// <summary>The status; whatever is no answer must be an error object.</summary>
    private static async Task<int> Send(ServeRig rig, string path, string type, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await rig.Client.PostAsync(path, content, ServeRig.Stop);
        var text = await response.Content.ReadAsStringAsync(ServeRig.Stop);
        var status = (int)response.StatusCode;
        if (status != 200)
        {
            using var json = JsonDocument.Parse(text.Length > 0 ? text : throw new InvalidDataException($"{status} without a body"));
            Assert.NotEqual("", json.RootElement.GetProperty("error").GetProperty("message").GetString());
        }
        return status;
    }
}
