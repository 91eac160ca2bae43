using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Vlm.Edge.Tests;

/// <summary>
/// What the README and the pages it links to say is true: each code block after <c>&lt;!-- run --&gt;</c> or
/// <c>&lt;!-- run: prints TEXT --&gt;</c> is run as a script, and what they point to exists.
/// </summary>
public sealed partial class ReadmeTests
{
    private const string Model = "models/cryptogram-edge";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly string Root = Repository.Root;

    // Relative to the root.
    private static readonly string[] AllPages =
    [
        "README.md", "models/README.md", "deploy/RUNBOOK.md", "tests/Bench/Results/README.md",
        .. Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md").Select(page => Path.GetRelativePath(Root, page)).Order(),
    ];

    public static TheoryData<string> Pages => [.. AllPages];

    public static TheoryData<string, string> MarkedBlocks
    {
        get
        {
            var blocks = new TheoryData<string, string>();
            foreach (var block in AllPages.SelectMany(page => MarkedBlock().Matches(Read(page))).DistinctBy(block => block.Groups["script"].Value))
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

    [Theory]
    [MemberData(nameof(Pages))]
    public void Projects_and_files_that_a_page_points_to_exist(string page)
    {
        var text = Read(page);
        var folder = Path.GetDirectoryName(Path.Combine(Root, page))!;
        var missing = ProjectOption().Matches(text).Select(match => Path.Combine(Root, match.Groups["path"].Value))
            .Concat(RelativeLink().Matches(text).Select(match => Path.Combine(folder, match.Groups["path"].Value)))
            .Distinct().Where(path => !Path.Exists(path));

        Assert.Equal("", string.Join(", ", missing));
    }

    [Fact]
    public void The_readme_is_a_door_of_at_most_1200_words() =>
        Assert.InRange(Read("README.md").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 200, 1200);

    private static string Read(string page) => File.ReadAllText(Path.Combine(Root, page));

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
