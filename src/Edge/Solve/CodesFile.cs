using System.Text;
using Vlm.Puzzles;

namespace Vlm.Edge.Solve;

/// <summary><c>codes.csv</c> of a folder: which message belongs to which picture.</summary>
internal static class CodesFile
{
    public const string FileName = "codes.csv";

    /// <exception cref="IOException">The file is missing or is not such a table; the message says where.</exception>
    public static IEnumerable<SolveItem> Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new IOException($"The folder '{folder}' has no {FileName}. It needs one with the columns picture and code.");
        var rows = Rows(path, File.ReadAllText(path)).ToArray();
        if (rows.Length == 0) throw new IOException($"'{path}' is empty; its first line must name the columns picture and code.");
        var (picture, code) = (Column(rows[0], "picture"), Column(rows[0], "code"));
        var (answer, severity, stratum) = (Column(rows[0], "answer"), Column(rows[0], "severity"), Column(rows[0], "stratum"));
        if (picture < 0 || code < 0) throw new IOException($"'{path}' has the columns {string.Join(", ", rows[0])}; it needs picture and code.");
        foreach (var (index, row) in rows.Index().Skip(1))
        {
            if (row.Length <= Math.Max(picture, code))
                throw new IOException($"'{path}', row {index + 1}: {row.Length} fields, the header has {rows[0].Length}.");
            var expected = answer >= 0 && answer < row.Length && row[answer].Trim().Length > 0 ? row[answer].Trim().ToLowerInvariant() : null;
            yield return new SolveItem(row[picture].Trim(), Path.Combine(folder, row[picture].Trim()), row[code].Trim(), expected)
            {
                Severity = severity >= 0 && severity < row.Length && int.TryParse(row[severity], out var level) ? level : null,
                Stratum = stratum >= 0 && stratum < row.Length ? StratumOf(row[stratum].Trim(), $"'{path}', row {index + 1}") : Stratum.Whole,
            };
        }
    }

    private static Stratum StratumOf(string text, string place)
    {
        if (text.Length == 0) return Stratum.Whole;
        return Enum.TryParse<Stratum>(text, ignoreCase: true, out var stratum) && Enum.IsDefined(stratum)
            ? stratum
            : throw new IOException(
                $"{place}: the stratum is '{text}'; "
                + $"it is one of {string.Join(", ", Enum.GetNames<Stratum>()).ToLowerInvariant()}, or empty for a whole picture.");
    }

    private static int Column(string[] header, string name) =>
        Array.FindIndex(header, column => column.Trim().Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The rows of RFC 4180: fields between commas, quoted ones may hold commas, line ends and doubled quotes. Blank lines are skipped.</summary>
    private static IEnumerable<string[]> Rows(string path, string text)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        var isQuoted = false;
        for (var i = 0; i <= text.Length; i++)
        {
            var isEnd = i == text.Length;
            if (isEnd && isQuoted) throw new IOException($"'{path}' ends inside a quoted field; the closing quote is missing.");
            if (!isEnd && isQuoted)
            {
                if (text[i] != '"') field.Append(text[i]);
                else if (i + 1 < text.Length && text[i + 1] == '"') field.Append(text[i++]);
                else isQuoted = false;
            }
            else if (!isEnd && text[i] == '"' && field.Length == 0)
            {
                isQuoted = true;
            }
            else if (isEnd || text[i] is ',' or '\n')
            {
                fields.Add(field.ToString().TrimEnd('\r'));
                field.Clear();
                if (!isEnd && text[i] == ',') continue;
                if (fields is not [""]) yield return [.. fields];
                fields.Clear();
            }
            else
            {
                field.Append(text[i]);
            }
        }
    }
}
