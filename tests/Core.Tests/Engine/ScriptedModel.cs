using Vlm.Engine;
using Vlm.Package;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Core.Tests.Engine;

/// <summary>An engine without a model: what it says next is drawn from a seed that only the history of tokens and pictures decides.</summary>
internal sealed class ScriptedModel(string folder) : IVisionModel
{
    public PackageConfig Config { get; } = PackageConfig.Load(folder);

    public bool ShowsAttention => true;

    public Placement Placement { get; } = new(ProviderKind.Cpu, PlacementReason.Asked, "it was asked for");

    public EncodedPicture Encode(Patches patches) => new Picture(patches, patches.Grid.MergedTokens(Config.Tokens.MergeSize));

    public IDecoder Allocate(int rows, int maxLength = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLength, Config.ContextLength);
        return new Decoder(Config, rows, maxLength == 0 ? Config.MaxLength : maxLength);
    }

    public void Dispose() { }

    private sealed class Picture(Patches patches, int tokens) : EncodedPicture(patches.Grid, tokens)
    {
        public int Seed { get; } = (int)(patches.Values.Sum() * 1000);

        public override void Dispose() { }
    }

    private sealed class Row(int[] prompt, int pictureTokens, int textStart, int seed)
    {
        public List<int> History { get; } = [.. prompt];

        public int PictureTokens => pictureTokens;

        public int TextStart => textStart;

        public float[] Logits(int end, int vocabulary)
        {
            var rng = SeededRandom.From(History.Take(end).Aggregate(seed, (hash, token) => unchecked((hash * 31) + token)));
            return [.. Enumerable.Range(0, vocabulary).Select(_ => (float)rng.Uniform(-5, 5))];
        }
    }

    private sealed class Decoder(PackageConfig config, int rows, int maxLength) : IDecoder
    {
        private Row[] _rows = [];

        public int Rows => rows;

        public int MaxLength => maxLength;

        public bool CanAppend => true;

        public void Prefill(IReadOnlyList<Prompt> prompts)
        {
            if (prompts.Count == 0 || rows % prompts.Count != 0) throw new ArgumentException("The rows cannot be shared evenly.", nameof(prompts));
            foreach (var prompt in prompts) prompt.Check(config, maxLength);
            _rows = [.. Enumerable.Range(0, rows).Select(row => ToRow(prompts[row % prompts.Count]))];
        }

        public void Step(ReadOnlySpan<int> tokens)
        {
            if (tokens.Length != rows) throw new ArgumentException("One token per row.", nameof(tokens));
            for (var row = 0; row < rows; row++)
            {
                if (tokens[row] >= 0) Append(row, tokens.Slice(row, 1));
            }
        }

        public ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens)
        {
            if (_rows.Length == 0 || Length(row) + tokens.Length > maxLength) throw new InvalidOperationException("No prompt, or no room.");
            var logits = new List<float>();
            foreach (var token in tokens)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, config.VocabularySize, nameof(tokens));
                _rows[row].History.Add(token);
                logits.AddRange(Logits(row));
            }
            return logits.ToArray();
        }

        public ReadOnlySpan<float> Logits(int row) => _rows[row].Logits(Length(row), config.VocabularySize);

        public int Length(int row) => _rows[row].History.Count;

        public void Rewind(int row, int length)
        {
            if (length < _rows[row].TextStart || length > Length(row)) throw new ArgumentOutOfRangeException(nameof(length));
            _rows[row].History.RemoveRange(length, Length(row) - length);
        }

        public float[]? PictureAttention(int row)
        {
            var tokens = _rows[row].PictureTokens;
            return tokens == 0 ? null : [.. Enumerable.Repeat(1f / tokens, tokens)];
        }

        public void Dispose() { }

        private Row ToRow(Prompt prompt)
        {
            if (prompt.Pictures.Any(picture => picture is not Picture)) throw new ArgumentException("Another engine's picture.", nameof(prompt));
            var textStart = Array.LastIndexOf(prompt.Ids, config.Tokens.Image) + 1;
            return new Row(prompt.Ids, prompt.Pictures.Sum(picture => picture.Tokens), Math.Max(1, textStart),
                prompt.Pictures.Sum(picture => ((Picture)picture).Seed));
        }
    }
}
