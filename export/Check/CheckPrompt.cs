using Vlm.Export.Options;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Export.Check;

/// <summary>Something to ask a model: the inputs that two packages are compared on.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Pixels">[Np, patch] patches of all pictures.</param>
/// <param name="Grids">Their sizes.</param>
/// <param name="Ids">The prompt, one image token per merged patch.</param>
internal sealed record CheckPrompt(string Name, float[] Pixels, IReadOnlyList<PatchGrid> Grids, long[] Ids)
{
    private const int SamplesMax = 4;

    public long[] GridNumbers => [.. Grids.SelectMany(grid => new long[] { grid.Frames, grid.Rows, grid.Columns })];

    /// <summary>Noise in two pictures of unequal size, and random ordinary tokens around them: enough to tell graphs apart, whatever the model knows.</summary>
    public static CheckPrompt Made(PlainSessions sessions)
    {
        var config = sessions.Config;
        var random = new Random(1);
        var merge = config.MergeSize;
        // Larger than one window of 4 x 4 merged cells in one direction each.
        PatchGrid[] grids = [new(1, 5 * merge, 3 * merge), new(1, 2 * merge, 6 * merge)];
        float[] pixels = [.. Enumerable.Range(0, grids.Sum(grid => grid.Patches) * sessions.PatchLength).Select(_ => random.NextSingle() * 3 - 1.5f)];
        var ordinary = config.Tokens.Values.Concat(config.EosTokenIds).Min();
        List<long> ids = [];
        foreach (var grid in grids)
        {
            ids.AddRange([.. Words(random, 4, ordinary), config.VisionStartToken]);
            ids.AddRange(Enumerable.Repeat((long)config.ImageToken, grid.MergedTokens(merge)));
        }

        return new CheckPrompt("noise in two pictures", pixels, grids, [.. ids, .. Words(random, 12, ordinary)]);
    }

    /// <summary>The package's own samples (<c>samples/codes.csv</c>), asked with its own prompt; none when it has none.</summary>
    public static IEnumerable<CheckPrompt> Samples(string folder, PictureConfig pictures)
    {
        var (prompt, tokenizer) = (Path.Combine(folder, "prompt.json"), Path.Combine(folder, "tokenizer.json"));
        if (!File.Exists(prompt) || !File.Exists(tokenizer)) return [];
        var template = PromptTemplate.Load(prompt);
        var encoder = Tokenizer.Load(tokenizer);
        return SampleRows(folder).Select(row =>
        {
            var patches = Patches.From(ImageCodec.Decode(File.ReadAllBytes(Path.Combine(folder, "samples", row.Picture))), pictures);
            var ids = encoder.Encode(template.Text(row.Code, patches.Grid.MergedTokens(pictures.MergeSize)));
            return new CheckPrompt(row.Picture, patches.Values, [patches.Grid], Array.ConvertAll(ids, id => (long)id));
        });
    }

    /// <summary>The first pictures of the package's samples, with their codes; none when it has none.</summary>
    public static IEnumerable<(string Picture, string Code)> SampleRows(string folder)
    {
        var path = Path.Combine(folder, "samples", "codes.csv");
        return File.Exists(path) ? Rows(path).Take(SamplesMax) : [];
    }

    private static IEnumerable<(string Picture, string Code)> Rows(string path)
    {
        var lines = File.ReadAllLines(path);
        var columns = lines[0].Split(',');
        var (picture, code) = (Array.IndexOf(columns, "picture"), Array.IndexOf(columns, "code"));
        if (picture < 0 || code < 0) throw new ExportException($"'{path}' starts with '{lines[0]}'; a header with the columns 'picture' and 'code' is needed.");
        return lines.Skip(1).Select(line => line.Split(',')).Where(cells => cells.Length > Math.Max(picture, code))
            .Select(cells => (cells[picture], cells[code]));
    }

    private static IEnumerable<long> Words(Random random, int count, int below) =>
        Enumerable.Range(0, count).Select(_ => (long)random.Next(Math.Max(1, below)));
}
