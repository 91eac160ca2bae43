using System.CommandLine;
using Vlm.Engine;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.CommandLine;

/// <summary>Options that more than one verb has; a value that makes no sense is refused with what was expected and what was found.</summary>
public static class CheckedOption
{
    private const int MostThreads = 1024;

    /// <summary>The names of the splits that a model is measured on.</summary>
    public static IReadOnlyList<string> EvaluationSplits { get; } =
        [.. Enum.GetValues<Split>().Where(split => split != Puzzles.Split.Train).Select(split => split.ToString().ToLowerInvariant())];

    /// <summary>The folder of a model package.</summary>
    public static Option<string> Model(
        string name = "--model", string usual = "models/cryptogram-edge", string description = "The folder of a model package.") =>
        new(name) { Description = description, DefaultValueFactory = _ => usual };

    /// <summary>A number of things, from 1 to <paramref name="most"/>.</summary>
    public static Option<int> Positive(string name, string description, int usual, int most = int.MaxValue) =>
        Number(name, description, usual, (1, most));

    /// <summary>A number of things, from 0 to <paramref name="most"/>.</summary>
    public static Option<int> NonNegative(string name, string description, int usual, int most = int.MaxValue) =>
        Number(name, description, usual, (0, most));

    /// <summary>Processor threads; 0 stands for all that the process may use.</summary>
    public static Option<int> Threads() =>
        Number("--threads", "Processor threads; by default all that this process may use.", usual: 0, (0, MostThreads));

    /// <summary>The library that runs the package.</summary>
    public static Option<EngineKind> Engine() => Named("--engine", "The library that runs the package.", EngineKind.Ort);

    /// <summary>What computes.</summary>
    public static Option<ProviderKind> Provider() =>
        Named("--provider", "What computes; auto takes the best that this build and this machine have, and says which.", ProviderKind.Auto);

    /// <summary>When the sheet is cut out of the picture.</summary>
    public static Option<FindMode> Find() => Named(
        "--find", "When the decoder sheet is cut out of the picture first: auto where it is a small part of it, always where it is found, or never.",
        FindMode.Auto);

    /// <summary>The package of the sheet finder.</summary>
    public static Option<string> Finder() => Model("--finder", "models/sheet-finder", "The folder of the sheet finder's package.");

    /// <summary>A share above 0 and below 1.</summary>
    public static Option<double> Probability(string name, string description, double usual) => Read<double>(
        name, description, usual, (string text, out double value) => double.TryParse(text, out value) && value is > 0 and < 1, "above 0 and below 1");

    /// <summary>One of the splits that a model is measured on.</summary>
    public static Option<Split> Split(string description, Split usual)
    {
        var option = Read<Split>("--split", description, usual, TryReadSplit, $"one of {string.Join(", ", EvaluationSplits)}");
        option.HelpName = string.Join('|', EvaluationSplits);
        return option;
    }

    /// <summary>Some of the splits that a model is measured on, with commas between; all of them by default.</summary>
    public static Option<Split[]> Splits(string description)
    {
        var names = string.Join(",", EvaluationSplits);
        Split[] all = [.. EvaluationSplits.Select(name => Enum.Parse<Split>(name, ignoreCase: true))];
        return Read<Split[]>("--splits", description, all, TryReadSplits, $"some of {names}");
    }

    /// <summary>What is the matter with the pictures.</summary>
    public static Option<Stratum> Stratum()
    {
        string[] names = [.. Enum.GetNames<Stratum>().Select(name => name.ToLowerInvariant())];
        var option = Read(
            "--stratum", "What is the matter with the pictures; whole: nothing.", Puzzles.Stratum.Whole,
            (string text, out Stratum stratum) => Enum.TryParse(text, ignoreCase: true, out stratum) && names.Contains(text),
            $"one of {string.Join(", ", names)}");
        option.HelpName = string.Join('|', names);
        return option;
    }

    /// <summary>Some kinds of pictures, with commas between; all of them by default.</summary>
    public static Option<Stratum[]> Strata(string name, string description)
    {
        var names = string.Join(",", Enum.GetNames<Stratum>()).ToLowerInvariant();
        return Read<Stratum[]>(name, description, Enum.GetValues<Stratum>(), TryReadStrata, $"some of {names}");
    }

    /// <summary>Some kinds of pictures, each with how many where that is said after a colon; all of them without by default.</summary>
    public static Option<IReadOnlyDictionary<Stratum, int?>> StrataWithCounts(string name, string description)
    {
        var names = string.Join(",", Enum.GetNames<Stratum>()).ToLowerInvariant();
        IReadOnlyDictionary<Stratum, int?> all = Enum.GetValues<Stratum>().ToDictionary(stratum => stratum, _ => (int?)null);
        return Read(name, description, all, TryReadCounts, $"some of {names}, each once, with a whole number of at least 1 after a colon or without");
    }

    /// <summary>How hard the pictures are that a camera took.</summary>
    public static Option<SeverityRange> Severity(SeverityRange usual)
    {
        var option = Read<SeverityRange>(
            "--severity", $"Severities of camera pictures, such as 2 or 1-3; 0 to {SeverityRange.Highest}.", usual, SeverityRange.TryParse,
            $"a number from 0 to {SeverityRange.Highest} or a range such as 1-3");
        option.HelpName = "severity";
        return option;
    }

    /// <summary>An option with a form of its own.</summary>
    /// <param name="name">With its dashes.</param>
    /// <param name="description">What the help says.</param>
    /// <param name="usual">The value when the option is not given.</param>
    /// <param name="parse">Reads the text; false refuses it.</param>
    /// <param name="expected">What is accepted, as in "--count is <i>a whole number of at least 1</i>, not '0'."</param>
    public static Option<T> Read<T>(string name, string description, T usual, TryParse<T> parse, string expected) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => usual,
        CustomParser = result =>
        {
            if (parse(result.Tokens[0].Value, out var value)) return value;
            result.AddError($"{name} is {expected}, not '{result.Tokens[0].Value}'.");
            return default;
        },
    };

    /// <summary>One of a few names, in lower case.</summary>
    private static Option<T> Named<T>(string name, string description, T usual)
        where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(item => item.ToLowerInvariant())];
        bool TryRead(string text, out T value) => Enum.TryParse(text, ignoreCase: true, out value) && names.Contains(text);
        var option = Read<T>(name, description, usual, TryRead, $"{string.Join(", ", names[..^1])} or {names[^1]}");
        option.HelpName = string.Join('|', names);
        return option;
    }

    private static Option<int> Number(string name, string description, int usual, (int Least, int Most) range) => Read<int>(
        name, description, usual, (string text, out int value) => int.TryParse(text, out value) && value >= range.Least && value <= range.Most,
        range.Most == int.MaxValue ? $"a whole number of at least {range.Least}" : $"a whole number from {range.Least} to {range.Most}");

    private static bool TryReadSplit(string text, out Split split)
    {
        split = default;
        return EvaluationSplits.Contains(text) && Enum.TryParse(text, ignoreCase: true, out split);
    }

    private static bool TryReadStrata(string text, out Stratum[] strata)
    {
        var names = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        bool IsName(string name) => Enum.GetNames<Stratum>().Contains(name, StringComparer.OrdinalIgnoreCase);
        strata = [.. names.Where(IsName).Select(name => Enum.Parse<Stratum>(name, ignoreCase: true)).Distinct().Order()];
        return names.Length > 0 && names.All(IsName);
    }

    private static bool TryReadCounts(string text, out IReadOnlyDictionary<Stratum, int?> counts)
    {
        var read = new SortedDictionary<Stratum, int?>();
        counts = read;
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, count) = part.Split(':', 2) is [var before, var after] ? (before, after) : (part, null);
            if (!TryReadStrata(name, out var strata) || strata.Length != 1) return false;
            if (count is not null && !(int.TryParse(count, out var parsed) && parsed > 0)) return false;
            if (!read.TryAdd(strata[0], count is null ? null : int.Parse(count))) return false;
        }

        return read.Count > 0;
    }

    private static bool TryReadSplits(string text, out Split[] splits)
    {
        var names = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        splits = [.. names.Where(EvaluationSplits.Contains).Select(name => Enum.Parse<Split>(name, ignoreCase: true)).Distinct()];
        return names.Length > 0 && names.All(EvaluationSplits.Contains);
    }
}

/// <summary>Reads a value from its text; false when the text is none.</summary>
public delegate bool TryParse<T>(string text, out T value);
