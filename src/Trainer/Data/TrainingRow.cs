using Vlm.Cryptogram;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Trainer.Data;

/// <summary>What a token of the reply is, for metrics.</summary>
public enum TokenRole
{
    /// <summary>Not learned: prompt, or a plain letter that no picture shows.</summary>
    Given,

    /// <summary>Coded letters, arrows, line ends, tags.</summary>
    Form,

    /// <summary>A plain letter in a mapping line: read from the picture.</summary>
    LookUp,

    /// <summary>Letters of the decoded section and the answer: copied from the mapping lines.</summary>
    Copy,
}

/// <summary>At token <paramref name="Query"/> the pointer head must look at token <paramref name="Key"/> (the image token that holds the pair).</summary>
public readonly record struct Pointer(int Query, int Key);

/// <summary>One sequence for the decoder and what is to be learned from it.</summary>
/// <param name="Picture">Index of the picture in the batch; −1 for text alone.</param>
/// <param name="Ids">[T] prompt, reply, stop token.</param>
/// <param name="Positions">M-RoPE positions of the T tokens.</param>
/// <param name="Roles">[T] the role of each token as a target.</param>
/// <param name="Pointers">Where the pointer head must look.</param>
public sealed record TrainingRow(int Picture, int[] Ids, RopePositions Positions, TokenRole[] Roles, IReadOnlyList<Pointer> Pointers)
    : TokenRow(Ids, Positions, Picture);

/// <summary>Builds rows from puzzles: the prompt as the product writes it, then the reply to learn.</summary>
public sealed class RowBuilder(Tokenizer tokenizer, PromptTemplate prompt, Vlm.Model.VlmConfig config)
{
    private const int LineTokens = 4;   // " q", "→", " c", "\n"
    private readonly int _arrow = tokenizer.Encode("→")[0];
    private readonly int _gap = tokenizer.Encode(" _")[0];
    private readonly int _stop = tokenizer.Id(prompt.StopTokens[0]);
    private readonly int _visionStart = config.VisionStartTokenId, _visionEnd = config.VisionEndTokenId, _imagePad = config.ImageTokenId;

    /// <summary>A row about a picture.</summary>
    /// <param name="picture">Its index in the batch.</param>
    /// <param name="grid">Its patches.</param>
    /// <param name="text">What to ask and to learn.</param>
    /// <param name="pairTokens">Coded letter to the merged patch that holds its pair; letters out of the picture are absent.</param>
    public TrainingRow WithPicture(int picture, PatchGrid grid, ReplyToLearn text, IReadOnlyDictionary<char, int> pairTokens)
    {
        var promptIds = tokenizer.Encode(prompt.Text(text.Code, grid.MergedTokens(config.Vision.SpatialMergeSize)));
        var firstImage = Array.IndexOf(promptIds, _imagePad);
        var pointers = new List<Pointer>();
        for (var i = 0; i < text.Symbols; i++)
            if (pairTokens.TryGetValue(text.Lines[2 * i], out var token)) pointers.Add(new Pointer(promptIds.Length + LineTokens * i + 1, firstImage + token));
        return Row(picture, [grid], promptIds, text, pointers);
    }

    /// <summary>A row without a picture: the plain letters of the mapping lines are given, copying them is learned.</summary>
    public TrainingRow TextOnly(ReplyToLearn text)
    {
        var promptIds = tokenizer.Encode(prompt.Text(text.Code, 1)).Where(id => id != _visionStart && id != _visionEnd && id != _imagePad).ToArray();
        return Row(-1, [], promptIds, text, []);
    }

    private TrainingRow Row(int picture, PatchGrid[] grids, int[] promptIds, ReplyToLearn text, IReadOnlyList<Pointer> pointers)
    {
        int[] ids = [.. promptIds, .. tokenizer.Encode(text.Reply), _stop];
        var roles = new TokenRole[ids.Length];
        Array.Fill(roles, TokenRole.Form, promptIds.Length, ids.Length - promptIds.Length);
        for (var i = 0; i < text.Symbols; i++)
        {
            var line = promptIds.Length + LineTokens * i;
            if (ids[line + 1] != _arrow)
            {
                throw new UserException(
                    $"Mapping line {i} of '{text.Code}' is not cut into symbol, arrow, symbol, line end. Does tokenizer.json hold the small vocabulary?");
            }

            // The model is asked for letters outside the code; it never asks itself, and ends after those of the code.
            if (i >= (text.Code.Length + 1) / 2) roles[line] = TokenRole.Given;
            var isUnclear = text.Unclear.Contains(text.Lines[2 * i], StringComparison.Ordinal);
            if (ids[line + 2] != _gap) roles[line + 2] = picture < 0 || isUnclear ? TokenRole.Given : TokenRole.LookUp;
        }
        for (var t = promptIds.Length + LineTokens * text.Symbols; t < ids.Length; t++) roles[t] = TokenRole.Copy;
        if (!text.IsWhole) roles[^1] = TokenRole.Given;   // a reply of mapping lines alone does not end here
        return new TrainingRow(picture, ids, RopePositions.For(ids, grids, config), roles, pointers);
    }
}

/// <summary>What a picture shows of an alphabet.</summary>
/// <param name="Cipher">The alphabet.</param>
/// <param name="Unseen">Coded letters whose plain letter the picture does not show.</param>
/// <param name="Unclear">Coded letters of which people could say either.</param>
public sealed record ShownLetters(Cipher Cipher, string Unseen = "", string Unclear = "")
{
    /// <summary>
    /// What the picture of a puzzle shows, pair by pair. Where one plain letter stands in two pairs each of them alone is clear: that they contradict each
    /// other is
    /// for deciding all letters together, so nothing is learned of either.
    /// </summary>
    public static ShownLetters Of(Puzzle puzzle)
    {
        var isPlainTwice = puzzle.Stratum == Stratum.Contradictory && puzzle.Pairs.DistinctBy(pair => pair.Coded).Count() == puzzle.Pairs.Count;
        return isPlainTwice ? new ShownLetters(puzzle.Cipher, Unclear: puzzle.Unseen) : new ShownLetters(puzzle.Cipher, puzzle.Unseen, puzzle.Unclear);
    }

    /// <summary>The plain letter of a coded one, as one should read it.</summary>
    public char Plain(char coded) => Unseen.Contains(coded, StringComparison.Ordinal) ? Message.Unseen : Cipher.Decode(coded);

    /// <summary>A message as one can read it.</summary>
    public string Answer(string message) => string.Concat(message.Select(letter => letter == ' ' ? ' ' : Plain(Cipher.Encode(letter))));

    /// <summary>Whether a message asks for a letter that people could argue about.</summary>
    public bool IsUnclear(string message) => message.Any(letter => letter != ' ' && Unclear.Contains(Cipher.Encode(letter), StringComparison.Ordinal));
}

/// <summary>A code and the reply to it.</summary>
/// <param name="Code">Spaced: <c>q x _ a y f</c>.</param>
/// <param name="Lines">The coded symbols of the mapping lines, spaced.</param>
/// <param name="Reply">Text after the assistant's prefix, without the stop token.</param>
/// <param name="IsWhole">False for mapping lines alone.</param>
public sealed record ReplyToLearn(string Code, string Lines, string Reply, bool IsWhole)
{
    /// <summary>Mapping lines, those of gaps included.</summary>
    public int Symbols => (Lines.Length + 1) / 2;

    /// <summary>Coded letters of whose plain letter nothing is learned.</summary>
    public string Unclear { get; init; } = "";

    /// <summary>The whole reply to a message.</summary>
    public static ReplyToLearn Whole(ShownLetters shown, string message)
    {
        var code = shown.Cipher.EncodeSpaced(message);
        var answer = shown.Answer(message);
        return new ReplyToLearn(code, code, ReplyText.MappingLines(code, Message.Spaced(answer)) + ReplyText.Ending(answer), true) { Unclear = shown.Unclear };
    }

    /// <summary>Mapping lines over a message that need not mean anything.</summary>
    public static ReplyToLearn Mapping(ShownLetters shown, string message)
    {
        var code = shown.Cipher.EncodeSpaced(message);
        return new ReplyToLearn(code, code, ReplyText.MappingLines(code, Message.Spaced(shown.Answer(message))), false) { Unclear = shown.Unclear };
    }

    /// <summary>
    /// The mapping lines of a message and then those of the letters that its code does not have, as decoding asks for them when a letter is in doubt
    /// (<see cref="Vlm.Solving.ReplyGrammar"/>).
    /// </summary>
    public static ReplyToLearn Survey(ShownLetters shown, string message)
    {
        var code = shown.Cipher.EncodeSpaced(message);
        var lines = string.Join(
            ' ', [code, .. Enumerable.Range('a', Cipher.Letters).Select(letter => (char)letter)
                .Where(letter => !code.Contains(letter, StringComparison.Ordinal))]);
        var plain = string.Join(' ', lines.Split(' ').Select(symbol => symbol[0] == Message.Gap ? Message.Gap : shown.Plain(symbol[0])));
        return new ReplyToLearn(code, lines, ReplyText.MappingLines(lines, plain), false) { Unclear = shown.Unclear };
    }
}
