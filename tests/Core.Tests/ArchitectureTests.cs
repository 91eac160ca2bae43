using System.Text.RegularExpressions;
using System.Xml.Linq;
using Vlm.Vision;

namespace Vlm.Core.Tests;

/// <summary>The rules of the code base that a compiler does not check.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string[] Executables = ["src/Trainer/Trainer.csproj", "src/Edge/Edge.csproj", "src/Escalation/Escalation.csproj", "export/Export.csproj"];
    private static readonly string[] Shared = ["Core.csproj", "Cli.csproj"];
    private static readonly string[] SkiaFiles = ["src/Core/Vision/ImageCodec.cs", "src/Core/Vision/Canvas.cs"];
    private static readonly string[] NotOurs = [".git", "artifacts", "runs", "bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts", ".vs", ".idea", ".vscode"];
    private static readonly string[] TextFiles = ["", ".cs", ".csproj", ".props", ".targets", ".sln", ".md", ".sh", ".json", ".yml", ".yaml", ".txt", ".proto", ".csv", ".service"];

    private static readonly string Root = Repository.Root;

    [Fact]
    public void Core_references_the_base_library_the_runtime_the_tokenizer_and_the_codec_only()
    {
        string[] allowed = ["Microsoft.ML.OnnxRuntime", "Microsoft.ML.Tokenizers", "SkiaSharp"];

        var others = typeof(RgbImage).Assembly.GetReferencedAssemblies()
            .Select(assembly => assembly.Name!)
            .Where(name => name != "System" && !name.StartsWith("System.", StringComparison.Ordinal) && !allowed.Contains(name));

        AssertNone(others);
    }

    [Fact]
    public void Executables_reference_what_they_share_and_never_each_other()
    {
        foreach (string project in Executables.Where(project => File.Exists(Path.Combine(Root, project))))
        {
            var references = XDocument.Load(Path.Combine(Root, project)).Descendants("ProjectReference")
                .Select(reference => Path.GetFileName(reference.Attribute("Include")!.Value.Replace('\\', '/')));
            Assert.All(references, reference => Assert.Contains(reference, Shared));
        }

        Assert.Empty(XDocument.Load(Path.Combine(Root, "src/Core/Core.csproj")).Descendants("ProjectReference"));
    }

    [Fact]
    public void Only_the_codec_and_the_canvas_know_the_picture_library() =>
        AssertNone(
            from file in CSharpFiles()
            where file.Path.StartsWith("src/", StringComparison.Ordinal) && !SkiaFiles.Contains(file.Path) && file.Lines.Contains("using SkiaSharp;")
            select file.Path);

    [Fact]
    public void Files_can_be_read_in_one_sitting() =>
        AssertNone(
            from file in CSharpFiles()
            let limit = file.Path == "src/Trainer/Model/QwenVl.cs" ? 600 : 400
            where file.Lines.Length > limit
            select $"{file.Path} has {file.Lines.Length} lines; at most {limit}");

    [Fact]
    public void Lines_fit_a_wide_screen() =>
        AssertNone(
            from file in CSharpFiles()
            from line in file.Lines.Index()
            where line.Item.Length > 200
            select $"{file.Path}:{line.Index + 1} has {line.Item.Length} characters; at most 200");

    [Fact]
    public void No_file_speaks_of_a_path_on_somebodys_machine() =>
        AssertNone(
            from file in OurFiles()
            from line in file.Lines.Index()
            where PrivatePath().IsMatch(line.Item)
            select $"{file.Path}:{line.Index + 1} {line.Item.Trim()}");

    private static void AssertNone(IEnumerable<string> offences)
    {
        string all = string.Join('\n', offences);
        if (all.Length > 0)
            Assert.Fail(all);
    }

    // Absolute paths of a user's or a build machine's folders, and paths that leave the repository sideways.
    [GeneratedRegex(@"(?<![\w.-])/(work|farm|root|Users)/|/tmp/[w]t|\.\./[s]hared")]
    private static partial Regex PrivatePath();

    private static IEnumerable<(string Path, string[] Lines)> CSharpFiles() => OurFiles().Where(file => file.Path.EndsWith(".cs", StringComparison.Ordinal));

    private static IEnumerable<(string Path, string[] Lines)> OurFiles() =>
        from path in Walk(Root)
        where TextFiles.Contains(Path.GetExtension(path)) && new FileInfo(path).Length < 1 << 20
        select (Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllLines(path));

    private static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFiles(folder).Concat(
            Directory.EnumerateDirectories(folder).Where(sub => !NotOurs.Contains(Path.GetFileName(sub))).SelectMany(Walk));
}
