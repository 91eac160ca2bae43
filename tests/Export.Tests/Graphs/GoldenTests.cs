using Vlm.Export.Check;

namespace Vlm.Export.Tests.Graphs;

/// <summary>The exported graphs against the reference implementation's numbers, in ONNX Runtime.</summary>
public sealed class GoldenTests(TinyPackages packages) : IDisposable
{
    private readonly GoldenModel _golden = new();

    public static TheoryData<string> Cases => [.. GoldenModel.Pictures.Keys];

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    [InlineData("d")]
    [InlineData("e")]
    [InlineData("f")]
    public void Vision_features_are_the_references(string picture)
    {
        var features = packages.Sessions("fp32").Features(_golden.Floats("pixel_values." + picture), _golden.Grid(picture));

        Near.Equal(_golden.Floats("vision." + picture), features, 5e-5f);
    }

    [Fact]
    public void Pictures_of_unequal_size_in_one_call_do_not_see_each_other()
    {
        var features = packages.Sessions("fp32").Features(_golden.Pixels("two"), _golden.Grids("two"));

        Near.Equal(_golden.Features("two"), features, 5e-5f);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_of_every_position_are_the_references(string name)
    {
        using var decoder = new DecoderRun(packages.Sessions("fp32"), 1);

        var logits = Prompt(decoder, name, _golden.Longs("positions." + name));

        Near.Equal(_golden.Floats("logits." + name), logits, 1e-4f);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Greedy_tokens_with_the_cache_are_the_references_without(string name)
    {
        var expected = _golden.Longs("greedy." + name);
        var positions = _golden.Positions(name);
        using var decoder = new DecoderRun(packages.Sessions("fp32"), 1);
        var logits = Prompt(decoder, name, positions.Values)[^packages.Sessions("fp32").Vocabulary..];
        for (var step = 0; step < expected.Length; step++)
        {
            // The reference chose among the ordinary tokens only.
            var token = Argmax(logits.AsSpan(0, 290));
            Assert.Equal(expected[step], token);
            Assert.Equal(_golden.Floats("greedy_logprob." + name)[step], LogProbability(logits, token), 5e-5f);
            var position = positions.Length + step + positions.Delta;
            logits = decoder.Step(packages.Sessions("fp32").Embed([token], 1, []), Ones(positions.Length + step + 1), [position, position, position]);
        }
    }

    [Fact]
    public void Rows_of_a_batch_equal_the_unpadded_cases()
    {
        var sessions = packages.Sessions("fp32");
        string[] names = ["one", "odd"];
        var longest = names.Max(name => _golden.Longs("ids." + name).Length);
        // The reference pads on the left; the decoder counts a row's tokens from the left, so rows are padded on the right here.
        long[] ids = [.. names.SelectMany(name => Padded(_golden.Longs("ids." + name), longest, _golden.Config.PadTokenId))];
        long[] mask = [.. names.SelectMany(name => Padded(Ones(_golden.Longs("ids." + name).Length), longest, 0))];
        long[] positions = [.. Enumerable.Range(0, 3).SelectMany(plane => names.SelectMany(name => Padded(Plane(name, plane), longest, 0)))];
        var features = sessions.Features([.. names.SelectMany(_golden.Pixels)], [.. names.SelectMany(_golden.Grids)]);
        using var decoder = new DecoderRun(sessions, 2);

        var logits = decoder.Step(sessions.Embed(ids, 2, features), mask, positions);

        var padded = _golden.Floats("logits.batch");
        for (var row = 0; row < 2; row++)
        {
            var length = _golden.Longs("ids." + names[row]).Length * sessions.Vocabulary;
            var end = (row + 1) * longest * sessions.Vocabulary;
            Near.Equal(padded[(end - length)..end], logits.AsSpan(row * longest * sessions.Vocabulary, length).ToArray(), 1e-4f);
        }
    }

    [Fact]
    public void A_batch_goes_on_token_by_token_like_its_rows_alone()
    {
        var sessions = packages.Sessions("fp32");
        string[] names = ["odd", "text"];
        int[] lengths = [.. names.Select(name => _golden.Longs("ids." + name).Length)];
        var longest = lengths.Max();
        using var decoder = new DecoderRun(sessions, 2, bufferLength: longest + 4);
        decoder.Step(
            sessions.Embed(
                [.. names.SelectMany(name => Padded(_golden.Longs("ids." + name), longest, _golden.Config.PadTokenId))],
                2,
                sessions.Features(_golden.Pixels("odd"), _golden.Grids("odd"))),
            [.. lengths.SelectMany(length => Padded(Ones(length), longest, 0))],
            [.. Enumerable.Range(0, 3).SelectMany(plane => names.SelectMany(name => Padded(Plane(name, plane), longest, 0)))]);

        long[] next = [.. names.Select(name => _golden.Longs("greedy." + name)[0])];
        long[] nextPositions = [.. names.Select(name => _golden.Positions(name)).Select(p => p.Length + p.Delta)];
        var logits = decoder.Step(
            sessions.Embed(next, 2, []),
            [.. lengths.SelectMany(length => Padded(Ones(length + 1), longest + 1, 0))],
            [.. nextPositions, .. nextPositions, .. nextPositions]);

        for (var row = 0; row < 2; row++)
            Assert.Equal(_golden.Longs("greedy." + names[row])[1], Argmax(logits.AsSpan(row * sessions.Vocabulary, 290)));
    }

    [Fact]
    public void The_pointer_query_and_the_keys_give_the_references_attention()
    {
        const int layer = 2, heads = 4, width = 16;
        using var decoder = new DecoderRun(packages.Sessions("fp32"), 1);
        Prompt(decoder, "one", _golden.Longs("positions.one"));

        var (query, keys) = (decoder.Outputs["pointer_query"], decoder.Cache($"{layer}.key"));

        var tokens = _golden.Longs("ids.one").Length;
        var expected = _golden.Floats($"attention.one.{layer}");
        Assert.Equal(heads * tokens * tokens, expected.Length);
        for (var q = 0; q < tokens; q++)
        {
            // Head 0 shares the first key head; the cache is [kv heads, tokens, width].
            double[] scores = [.. Enumerable.Range(0, q + 1).Select(k => Dot(query.AsSpan(q * width, width), keys.AsSpan(k * width, width)))];
            scores = [.. scores.Select(score => Math.Exp(score / Math.Sqrt(width)))];
            float[] attention = [.. scores.Select(score => (float)(score / scores.Sum()))];
            Near.Equal(expected[(q * tokens)..(q * tokens + q + 1)], attention, 5e-5f);
        }
    }

    public void Dispose() => _golden.Dispose();

    private float[] Prompt(DecoderRun decoder, string name, long[] positions)
    {
        var sessions = packages.Sessions("fp32");
        var ids = _golden.Longs("ids." + name);
        var features = GoldenModel.Pictures[name].Length == 0 ? [] : sessions.Features(_golden.Pixels(name), _golden.Grids(name));
        return decoder.Step(sessions.Embed(ids, 1, features), Ones(ids.Length), positions);
    }

    private long[] Plane(string name, int plane)
    {
        var positions = _golden.Longs("positions." + name);
        var length = positions.Length / 3;
        return positions[(plane * length)..((plane + 1) * length)];
    }

    private static long[] Padded(long[] row, int length, long filler) => [.. row, .. Enumerable.Repeat(filler, length - row.Length)];

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];

    private static int Argmax(ReadOnlySpan<float> row)
    {
        var best = 0;
        for (var i = 1; i < row.Length; i++)
            if (row[i] > row[best]) best = i;
        return best;
    }

    private static float LogProbability(float[] row, int token) => (float)(row[token] - Math.Log(row.Sum(value => Math.Exp(value))));

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }
}

