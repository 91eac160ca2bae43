using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Vlm.Edge.Tests;

/// <summary>
/// What README.md says is true: each code block after <c>&lt;!-- run --&gt;</c> or <c>&lt;!-- run: prints TEXT --&gt;</c> is run as a script, and what it points to exists.
/// </summary>
public sealed partial class ReadmeTests
{
    private const string Model = "models/cryptogram-edge";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly string Root = Repository.Root;
    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    public static TheoryData<string, string> MarkedBlocks
    {
        get
        {
            var blocks = new TheoryData<string, string>();
            foreach (Match block in MarkedBlock().Matches(Readme))
                blocks.Add(block.Groups["script"].Value, block.Groups["prints"].Value);
            return blocks;
        }
    }

    [Theory]
    [MemberData(nameof(MarkedBlocks))]
    public async Task Marked_code_blocks_work(string script, string prints)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The README's commands are written for a Unix shell.");
        Assert.SkipWhen(script.Contains(Model) && !File.Exists(Path.Combine(Root, Model, "manifest.json")), $"There is no model package in {Model} yet.");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Limit);

        var (code, output) = await Run(script, timeout.Token);

        Assert.True(code == 0, $"This ended with code {code}:\n{script}\n{output}");
        Assert.Contains(prints, output);
    }

    [Fact]
    public void Projects_and_files_that_the_readme_points_to_exist()
    {
        var paths = ProjectOption().Matches(Readme).Concat(RelativeLink().Matches(Readme)).Select(match => match.Groups["path"].Value).Distinct().ToList();

        Assert.NotEmpty(paths);
        Assert.Equal("", string.Join(", ", paths.Where(path => !Path.Exists(Path.Combine(Root, path)))));
    }

    private static async Task<(int Code, string Output)> Run(string script, CancellationToken stop)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-ec", $"exec 2>&1\n{script}"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        try
        {
            string output = await process.StandardOutput.ReadToEndAsync(stop);
            await process.WaitForExitAsync(stop);
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    [GeneratedRegex(@"<!-- run(: prints (?<prints>.+?))? -->\n+```[a-z]*\n(?<script>.*?)```", RegexOptions.Singleline)]
    private static partial Regex MarkedBlock();

    [GeneratedRegex(@"--project (?<path>\S+)")]
    private static partial Regex ProjectOption();

    [GeneratedRegex(@"\]\((?<path>[^)#:]+)\)")]
    private static partial Regex RelativeLink();
}
