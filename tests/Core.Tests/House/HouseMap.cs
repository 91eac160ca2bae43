using System.Text.RegularExpressions;

namespace Vlm.Core.Tests.House;

/// <summary>One room mentions another.</summary>
/// <param name="From">The room's folder.</param>
/// <param name="To">The other's.</param>
/// <param name="File">Where.</param>
internal sealed record Relation(string From, string To, string File);

/// <summary>
/// Which rooms mention which, read from namespaces, usings (plain, static, aliases), qualified names, and the names of types that a file sees without a using
/// because they are declared further up its own namespace. Comments and texts do not count.
/// </summary>
internal sealed partial class HouseMap
{
    private readonly Dictionary<string, Room> _byNamespace;
    private readonly List<Source> _sources;

    private HouseMap(List<Source> sources)
    {
        _sources = sources;
        _byNamespace = sources.GroupBy(source => source.Room.Namespace).ToDictionary(group => group.Key, group => group.First().Room);
        foreach (var source in sources) _byNamespace[source.Room.Namespace].Types.UnionWith(source.Types);
    }

    /// <summary>The rooms' folders.</summary>
    public IEnumerable<string> Rooms => _byNamespace.Values.Select(room => room.Folder);

    /// <summary>Files whose namespace is not that of their folder.</summary>
    public IEnumerable<string> Misplaced =>
        from source in _sources
        where source.Declared is { } declared && declared != source.Room.Namespace
        select $"{source.Path} is in the namespace {source.Declared}; its folder's is {source.Room.Namespace}";

    public static HouseMap Read(IEnumerable<(string Path, string Text)> files, IReadOnlyList<Project> projects)
    {
        var sources = new List<Source>();
        var rooms = new Dictionary<string, Room>();
        foreach (var (path, text) in files)
        {
            var project = projects.FirstOrDefault(project => path.StartsWith(project.Folder + "/", StringComparison.Ordinal));
            // The roof: it lists the verbs, and nothing can mention it.
            if (project is null || path == project.Folder + "/Program.cs") continue;
            var folder = path[..path.LastIndexOf('/')];
            if (!rooms.TryGetValue(folder, out var room))
                rooms[folder] = room = new Room(folder, project.Namespace + folder[project.Folder.Length..].Replace('/', '.'), []);
            sources.Add(Source.Read(path, room, text));
        }
        return new HouseMap(sources);
    }

    /// <summary>All relations between different rooms.</summary>
    public IEnumerable<Relation> Relations() => _sources.SelectMany(source => Targets(source).Distinct()
        .Where(target => target.Folder != source.Room.Folder)
        .Select(target => new Relation(source.Room.Folder, target.Folder, source.Path)));

    /// <summary>Groups of rooms that reach each other.</summary>
    public static IEnumerable<IReadOnlyList<string>> Cycles(IEnumerable<(string From, string To)> relations)
    {
        var next = relations.ToLookup(relation => relation.From, relation => relation.To);
        var reach = next.Select(group => group.Key).ToDictionary(room => room, room => Reach(room, next));
        bool Meet(string room, string other) => reach[room].Contains(other) && reach.TryGetValue(other, out var back) && back.Contains(room);
        return reach.Keys.Where(room => Meet(room, room))
            .Select(room => string.Join('\n', reach.Keys.Where(other => Meet(room, other)).Order(StringComparer.Ordinal)))
            .Distinct()
            .Select(group => group.Split('\n'));
    }

    private static HashSet<string> Reach(string start, ILookup<string, string> next)
    {
        var reached = new HashSet<string>();
        var open = new Queue<string>(next[start]);
        while (open.TryDequeue(out var room))
        {
            if (!reached.Add(room)) continue;
            foreach (var other in next[room]) open.Enqueue(other);
        }
        return reached;
    }

    private IEnumerable<Room> Targets(Source source)
    {
        foreach (var name in source.Qualified)
        {
            if (Longest(name) is { } room) yield return room;
        }

        // From the file's own namespace up, as the compiler looks: the first that declares a name has it.
        var unresolved = source.Names.ToHashSet();
        foreach (var seen in Upwards(source.Room.Namespace))
        {
            if (_byNamespace.TryGetValue(seen, out var room))
            {
                if (unresolved.Overlaps(room.Types)) yield return room;
                unresolved.ExceptWith(room.Types);
            }
            // Package.ModelException, seen from Vlm.Engine, is Vlm.Package's.
            foreach (var (first, second) in source.Pairs)
            {
                if (_byNamespace.TryGetValue($"{seen}.{first}", out var below) && below.Types.Contains(second)) yield return below;
            }
        }
    }

    private static IEnumerable<string> Upwards(string name)
    {
        for (var end = name.Length; end > 0; end = name.LastIndexOf('.', end - 1)) yield return name[..end];
    }

    /// <summary>The room that a qualified name begins with.</summary>
    private Room? Longest(string name) => Upwards(name).Select(part => _byNamespace.GetValueOrDefault(part)).FirstOrDefault(room => room is not null);

    private sealed record Room(string Folder, string Namespace, HashSet<string> Types);

    private sealed partial record Source(string Path, Room Room, string? Declared, string[] Types, string[] Names, (string, string)[] Pairs, string[] Qualified)
    {
        public static Source Read(string path, Room room, string text)
        {
            var code = NotCode().Replace(text, " ");
            return new Source(
                path, room,
                NamespaceLine().Match(code) is { Success: true } declared ? declared.Groups[1].Value : null,
                [.. Declaration().Matches(code).Select(match => match.Groups[1].Value)],
                [.. OneName().Matches(code).Select(match => match.Value).Distinct()],
                [.. TwoNames().Matches(code).Select(match => (match.Groups[1].Value, match.Groups[2].Value)).Distinct()],
                [.. FullName().Matches(NamespaceLine().Replace(code, " ")).Select(match => match.Value).Distinct()]);
        }

        [GeneratedRegex("\"\"\"[\\s\\S]*?\"\"\"|@\"(?:[^\"]|\"\")*\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\\\n])+'|//[^\\n]*|/\\*[\\s\\S]*?\\*/")]
        private static partial Regex NotCode();

        [GeneratedRegex(@"^namespace\s+([\w.]+)", RegexOptions.Multiline)]
        private static partial Regex NamespaceLine();

        [GeneratedRegex(
            @"^(?:(?:public|internal|file|sealed|static|abstract|readonly|partial|ref)\s+)*"
            + @"(?:class|record\s+struct|record|struct|interface|enum|delegate\s+\S+)\s+(\w+)",
            RegexOptions.Multiline)]
        private static partial Regex Declaration();

        [GeneratedRegex(@"(?<![\w.])[A-Z]\w*")]
        private static partial Regex OneName();

        [GeneratedRegex(@"(?<![\w.])([A-Z]\w*)\.([A-Z]\w*)")]
        private static partial Regex TwoNames();

        [GeneratedRegex(@"(?<![\w.])Vlm(?:\.\w+)+")]
        private static partial Regex FullName();
    }
}
