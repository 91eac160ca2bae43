using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Vlm.Edge.Tests.Api;

/// <summary>What operators and attackers met that belongs nowhere else: a start that cannot be, and words from outside that are only words.</summary>
public sealed class OperatorTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_port_that_is_taken_is_one_line_and_exit_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        File.WriteAllText(_files.File("edge.yaml"), $$"""
            server: { listen: "http://127.0.0.1:{{((IPEndPoint)taken.LocalEndpoint).Port}}" }
            model: { folder: "{{ServeRig.Package(_files, null)}}" }
            routing: { mode: local-only }
            state: "{{_files.File("state")}}"
            """);

        var run = await EdgeProcess.Run("serve", "--config", _files.File("edge.yaml"));

        Assert.Equal(1, run.ExitCode);
        var said = Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("address already in use", said, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_configuration_that_is_a_folder_is_called_that()
    {
        var run = await EdgeProcess.Run("serve", "--config", _files.Folder);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("is a folder", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_a_secret_that_others_can_read_is_told_at_the_start()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has other rights.");
        if (OperatingSystem.IsWindows()) return;
        File.WriteAllText(_files.File("password"), "secret");
        File.SetUnixFileMode(_files.File("password"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        File.WriteAllText(_files.File("edge.yaml"), $$"""
            server: { listen: "http://127.0.0.1:0" }
            model: { folder: "{{ServeRig.Package(_files, null)}}" }
            routing: { mode: local-only }
            state: "{{_files.File("state")}}"
            cameras: [ { name: door, snapshot: "http://127.0.0.1:1/", user: box, password_file: "{{_files.File("password")}}" } ]
            """);
        using var daemon = await DaemonProcess.StartAsync(_files.File("edge.yaml"));

        await Escalations.ClientTests.Until(() => daemon.HasSaid(_files.File("password")));
    }

    [Theory]
    [InlineData("/docs")]
    [InlineData("/openapi.json")]
    [InlineData("/health")]
    [InlineData("/api/v1/answers")]
    [InlineData("/api/v1/answers/..%2f..%2fbox.db")]
    [InlineData("/api/v1/answers/..%2f..%2fbox.db/picture")]
    [InlineData("/api/v1/answers/%0d%0aSet-Cookie:%20a=b")]
    [InlineData("/api/v1/cameras/..%2f..%2fstate%2fbox.db/picture")]
    [InlineData("/v1/models/..%2fcryptogram-edge")]
    public async Task An_address_that_is_none_and_an_id_that_is_a_path_are_404_with_an_error_object(string path)
    {
        await using var rig = await ServeRig.Start(0.99, null);
        using var response = await rig.Client.GetAsync(path, ServeRig.Stop);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(ServeRig.Stop));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.NotEqual("", json.RootElement.GetProperty("error").GetProperty("message").GetString());
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task The_name_of_a_file_is_no_path_and_a_line_feed_in_a_mode_is_no_header()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var picture = new ByteArrayContent(ServeRig.Picture());
        picture.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        using var form = new MultipartFormDataContent { { picture, "picture", "../../../evil.png" }, { new StringContent(ServeRig.Code), "code" } };

        using var answered = await rig.Client.PostAsync("/api/v1/solve", form, ServeRig.Stop);
        using var refused = await rig.Post(new { picture = ServeRig.DataUri(), code = ServeRig.Code, mode = "local-only\r\nSet-Cookie: a=b" });

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (answered.StatusCode, refused.StatusCode));
        Assert.False(refused.Headers.Contains("Set-Cookie"));
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), "evil.png"));
    }

    [Fact]
    public async Task A_question_without_a_code_is_the_same_mistake_in_a_form_and_in_json()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        var picture = new ByteArrayContent(ServeRig.Picture());
        using var form = new MultipartFormDataContent { { picture, "picture", "a.png" } };
        using var json = new StringContent($$"""{"picture": "{{ServeRig.DataUri()}}"}""", Encoding.UTF8, "application/json");

        var said = new List<(HttpStatusCode, string?)>();
        foreach (var content in (HttpContent[])[form, json])
        {
            using var response = await rig.Client.PostAsync("/api/v1/solve", content, ServeRig.Stop);
            using var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync(ServeRig.Stop));
            said.Add((response.StatusCode, error.RootElement.GetProperty("error").GetProperty("code").GetString()));
        }

        Assert.Equal((HttpStatusCode.UnprocessableEntity, "unusable_code"), Assert.Single(said.Distinct()));
    }
}
