using System.Text.RegularExpressions;
using System.Xml.Linq;
using Vlm.Vision;

namespace Vlm.Core.Tests.House;

/// <summary>The rules of the code base that a compiler does not check.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string[] NotOurs =
        [".git", "artifacts", "runs", "bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts", ".vs", ".idea", ".vscode"];
    private static readonly string[] TextFiles =
    [
        "", ".cs", ".csproj", ".props", ".targets", ".sln", ".md", ".sh", ".json", ".yml", ".yaml", ".txt", ".proto", ".csv", ".service",
    ];

    private static readonly string Root = Repository.Root;

    [Fact]
    public void Core_references_the_base_library_the_runtime_the_tokenizer_and_the_codec_only()
    {
        string[] allowed = ["Microsoft.ML.OnnxRuntime", "Microsoft.ML.OnnxRuntimeGenAI", "Microsoft.ML.Tokenizers", "SkiaSharp"];

        var others = typeof(RgbImage).Assembly.GetReferencedAssemblies()
            .Select(assembly => assembly.Name!)
            .Where(name => name != "System" && !name.StartsWith("System.", StringComparison.Ordinal) && !allowed.Contains(name));

        AssertNone(others);
    }

    [Fact]
    public void Projects_reference_those_below_them_and_programs_never_each_other() =>
        AssertNone(
            from project in HousePlan.Projects
            from file in Directory.EnumerateFiles(Path.Combine(Root, project.Folder), "*.csproj")
            from reference in XDocument.Load(file).Descendants("ProjectReference")
            let other = Path.Combine(Path.GetDirectoryName(file)!, Slashed(reference.Attribute("Include")!.Value))
            let folder = Slashed(Path.GetRelativePath(Root, Path.GetDirectoryName(other)!))
            where !project.Uses.Contains(folder)
            select $"{project.Folder} references {folder}; it may use {Said(project.Uses)}");

    [Fact]
    public void A_namespace_says_its_folder() => AssertNone(Map.Misplaced);

    [Fact]
    public void Projects_use_those_below_them() =>
        AssertNone(
            from relation in Map.Relations()
            let project = ProjectOf(relation.From)
            let other = ProjectOf(relation.To)
            where project != other && !project.Uses.Contains(other.Folder)
            select $"{relation.File} uses {relation.To}; {project.Folder} may use {Said(project.Uses)}");

    [Fact]
    public void Rooms_use_the_rooms_that_the_plan_says() =>
        AssertNone(
            from relation in Map.Relations()
            where ProjectOf(relation.From) == ProjectOf(relation.To)
                && HousePlan.Rooms.TryGetValue(relation.From, out var allowed) && !allowed.Contains(relation.To)
            select $"{relation.File} uses {relation.To}; {relation.From} may use {Said(HousePlan.Rooms[relation.From])}");

    [Fact]
    public void Every_room_of_Core_is_in_the_plan() =>
        AssertNone(Map.Rooms.Where(room => ProjectOf(room).Folder == "src/Core" && !HousePlan.Rooms.ContainsKey(room)));

    [Fact]
    public void Forbidden_directions_are_not_taken() =>
        AssertNone(
            from relation in Map.Relations()
            where HousePlan.Forbidden.Any(never => Covers(never.From, relation.From) && Covers(never.To, relation.To) && !Covers(never.From, relation.To))
            select $"{relation.File} uses {relation.To}; {relation.From} never does");

    [Fact]
    public void No_rooms_know_each_other_in_a_circle() =>
        AssertNone(
            from cycle in HouseMap.Cycles(Map.Relations().Select(relation => (relation.From, relation.To)))
            where !HousePlan.Knotted.Contains(ProjectOf(cycle[0]).Folder)
            select $"in a circle: {Said(cycle)}, by " + string.Join(", ", Map.Relations()
                .Where(relation => cycle.Contains(relation.From) && cycle.Contains(relation.To)).GroupBy(relation => (relation.From, relation.To))
                .OrderBy(pair => pair.Count()).Select(pair => $"{pair.Key.From} to {pair.Key.To} ({pair.First().File})")));

    [Fact]
    public void The_plan_has_no_circle_itself() =>
        AssertNone(
            from cycle in HouseMap.Cycles(HousePlan.Rooms.SelectMany(room => room.Value.Select(other => (room.Key, other))))
            select Said(cycle));

    [Fact]
    public void A_package_is_known_in_one_place() =>
        AssertNone(
            from file in CSharpFiles()
            where HousePlan.Projects.Any(project => file.Path.StartsWith(project.Folder + "/", StringComparison.Ordinal))
            from package in HousePlan.Packages
            where !package.Places.Any(place => file.Path.StartsWith(place, StringComparison.Ordinal)) && file.Lines.Any(line => IsUsing(line, package.Package))
            select $"{file.Path} uses {package.Package}; only {Said(package.Places)} may");

    [Fact]
    public void Files_can_be_read_in_one_sitting() =>
        AssertNone(
            from file in CSharpFiles()
            let limit = HousePlan.LongFiles.GetValueOrDefault(file.Path, HousePlan.Length)
            where file.Lines.Length > limit
            select $"{file.Path} has {file.Lines.Length} lines; at most {limit}");

    [Fact]
    public void Lines_fit_a_wide_screen() =>
        AssertNone(
            from file in CSharpFiles()
            from line in file.Lines.Index()
            where line.Item.Length > HousePlan.Width
            select $"{file.Path}:{line.Index + 1} has {line.Item.Length} columns; at most {HousePlan.Width}");

    [Fact]
    public void The_map_sees_usings_aliases_qualified_names_and_types_that_need_no_using()
    {
        (string, string)[] files =
        [
            ("a/One/X.cs", "using Root.Two;\nnamespace Root.One;\npublic class X;"),
            ("a/Two/Y.cs", "using static Root.Three.Z;\nnamespace Root.Two;\nclass Y;"),
            ("a/Three/Z.cs", "using Short = Vlm.Far.W;\nnamespace Root.Three;\npublic static class Z { }"),
            ("b/Far/W.cs", "namespace Vlm.Far;\ninternal sealed record W(Shared Value);"),
            ("b/Far/Near/V.cs", "namespace Vlm.Far.Near;\nclass V { string T = \"U\"; /* U */ W? w; }"),
            ("b/Shared.cs", "namespace Vlm;\npublic class Shared;\npublic class U;"),
            ("b/Other/T.cs", "namespace Vlm.Other;\nclass T { Far.W? Value; }"),
        ];
        var map = HouseMap.Read(files, [new Project("a", "Root", []), new Project("b", "Vlm", [])]);

        Assert.Equal(
            ["a/Three>b/Far", "b/Far/Near>b/Far", "b/Far>b", "b/Other>b/Far"],
            map.Relations().Select(relation => $"{relation.From}>{relation.To}").Order(StringComparer.Ordinal));
        Assert.Empty(map.Misplaced);
        Assert.Equal(["x", "y"], Assert.Single(HouseMap.Cycles([("x", "y"), ("y", "x"), ("y", "z")])));
    }

    [Fact]
    public void No_file_speaks_of_a_path_on_somebodys_machine() =>
        AssertNone(
            from file in OurFiles()
            from line in file.Lines.Index()
            where PrivatePath().IsMatch(line.Item)
            select $"{file.Path}:{line.Index + 1} {line.Item.Trim()}");

    private static string Slashed(string path) => path.Replace('\\', '/');

    private static HouseMap Map { get; } =
        HouseMap.Read(CSharpFiles().Select(file => (file.Path, string.Join('\n', file.Lines))), HousePlan.Projects);

    private static Project ProjectOf(string room) =>
        HousePlan.Projects.Single(project => room == project.Folder || room.StartsWith(project.Folder + "/", StringComparison.Ordinal));

    private static bool Covers(string rule, string room) => rule.EndsWith("/*", StringComparison.Ordinal)
        ? room == rule[..^2] || room.StartsWith(rule[..^1], StringComparison.Ordinal)
        : room == rule;

    private static bool IsUsing(string line, string package) =>
        line.StartsWith("using ", StringComparison.Ordinal) && Regex.IsMatch(line, $@"\b{Regex.Escape(package)}(?!\w)");

    private static string Said(IReadOnlyCollection<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);

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
