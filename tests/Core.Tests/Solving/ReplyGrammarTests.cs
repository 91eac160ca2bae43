using Vlm.Core.Tests.Engine;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Text;

namespace Vlm.Core.Tests.Solving;

/// <summary>The laws of constrained decoding: it blocks no right reply, and what it lets through breaks no rule.</summary>
public sealed class ReplyGrammarTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Tokenizer _tokenizer;
    private readonly ReplyGrammar _grammar;
    private readonly int _stop;

    public ReplyGrammarTests()
    {
        SmallTokenizer.Write(_folder.Path);
        _tokenizer = Tokenizer.Load(_folder.File("tokenizer.json"));
        _stop = _tokenizer.Id(SmallTokenizer.TurnEnd);
        _grammar = new ReplyGrammar(_tokenizer, _stop);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_right_reply_is_allowed_token_by_token_and_nothing_after_it()
    {
        for (var index = 0; index < 200; index++)
        {
            var rng = SeededRandom.From(1, index);
            var (cipher, answer) = (Cipher.Random(rng), Answer(rng));
            var code = cipher.EncodeSpaced(answer);
            var state = _grammar.Start(code);
            foreach (var token in _tokenizer.Encode(ReplyText.MappingLines(code, Message.Spaced(answer)) + ReplyText.Ending(answer)).Append(_stop))
            {
                Assert.Contains(token, state.Allowed());
                state = state.After(token);
            }

            Assert.Empty(state.Allowed());
        }
    }

    [Fact]
    public void Whatever_is_taken_among_the_allowed_tokens_the_reply_ends_and_breaks_no_rule()
    {
        for (var index = 0; index < 200; index++)
        {
            var rng = SeededRandom.From(2, index);
            var code = Cipher.Random(rng).EncodeSpaced(Answer(rng));
            List<int> reply = [];
            var state = _grammar.Start(code);
            for (var allowed = state.Allowed(); allowed.Count > 0; allowed = state.Allowed())
            {
                reply.Add(allowed[rng.Next(allowed.Count)]);
                state = state.After(reply[^1]);
                Assert.True(reply.Count < 512, code);
            }

            Assert.Equal(_stop, reply[^1]);
            var report = Verifiers.Check(ReplyParser.Parse(_tokenizer.Decode([.. reply.SkipLast(1)])), code);
            Assert.DoesNotContain(report.Failures, failure => failure != Verifier.Dictionary);
        }
    }

    [Fact]
    public void A_tokenizer_from_before_unseen_letters_allows_the_letters_alone()
    {
        var json = File.ReadAllText(_folder.File("tokenizer.json"));
        var added = System.Text.Json.Nodes.JsonNode.Parse(json)!;
        added["added_tokens"]!.AsArray().RemoveAt(added["added_tokens"]!.AsArray().Count - 1);
        File.WriteAllText(_folder.File("old.json"), added.ToJsonString());
        var old = new ReplyGrammar(Tokenizer.Load(_folder.File("old.json")), _stop);
        Assert.Equal(26, After(old.Start("q x"), " q→").Allowed().Count);
    }

    [Fact]
    public void Letters_that_were_not_seen_are_said_so_in_the_reply_and_none_of_them_takes_a_letter()
    {
        int[] wanted = [.. _tokenizer.Encode(" q→ ?\n x→ c\n y→ ?\n"), .. Enumerable.Repeat(Token(" z"), 200)];
        using var decoder = new ScriptedDecoder([wanted], SmallTokenizer.VocabSize) { Doubt = (_, logits) => logits[Array.IndexOf(logits, 5f)] = 50 };
        var reply = Generate(decoder, "q x y");
        Assert.Equal(" q→ ?\n x→ c\n y→ ?\n<chars> ? c ?</chars>\n</think>\n<answer>?c?</answer>", _tokenizer.Decode(reply.TextTokens));
        Assert.Empty(Verifiers.Check(ReplyParser.Parse(_tokenizer.Decode(reply.TextTokens)), "q x y").HardFailures);
        Assert.Equal(['?', 'c', '?'], reply.Reading.Decided.Select(letter => letter.Plain));
    }

    [Fact]
    public void Where_no_letter_of_the_code_was_seen_the_rest_of_the_alphabet_is_asked_for()
    {
        using var decoder = new ScriptedDecoder([[.. Enumerable.Repeat(Token(" ?"), 400)]], SmallTokenizer.VocabSize)
        {
            Doubt = (_, logits) => logits[Token(" ?")] = 50,
        };
        var reply = Generate(decoder, "q x");
        Assert.Equal(26, reply.Reading.Beliefs.Count);
        Assert.True(LetterDecision.IsNothingSeen(reply.Reading.Beliefs));
        Assert.EndsWith("<answer>??</answer>", _tokenizer.Decode(reply.TextTokens), StringComparison.Ordinal);
    }

    private Generation Generate(ScriptedDecoder decoder, string code) => Generator.Generate(
        decoder,
        [new Prompt([1, 2, 3], new RopePositions(new long[9], 3, 0), [])],
        new GenerationOptions { MaxTokens = 300, StopTokens = [_stop], Reply = _grammar.Start(code) },
        TestContext.Current.CancellationToken)[0][0];

    [Fact]
    public void A_letter_that_is_known_must_be_repeated_and_one_that_is_taken_cannot_be_taken_again()
    {
        var state = After(_grammar.Start("q x q"), " q→ c\n x→");
        Assert.Equal(25 + 1, state.Allowed().Count);
        Assert.Contains(Token(" ?"), state.Allowed());
        Assert.DoesNotContain(Token(" c"), state.Allowed());
        Assert.Contains("not allowed", Assert.Throws<ArgumentException>(() => state.After(Token(" c"))).Message, StringComparison.Ordinal);
        Assert.Equal([Token(" c")], After(state, " a\n q→").Allowed());
    }

    [Fact]
    public void A_decoder_that_wants_to_say_something_else_is_held_to_the_rules_and_what_was_removed_is_kept()
    {
        int[] wanted = [.. _tokenizer.Encode(" q→ c\n x→ c\n"), .. Enumerable.Repeat(Token(" z"), 200)];
        using var decoder = new ScriptedDecoder([wanted], SmallTokenizer.VocabSize);
        var reply = Generator.Generate(
            decoder,
            [new Prompt([1, 2, 3], new RopePositions(new long[9], 3, 0), [])],
            new GenerationOptions { MaxTokens = 150, StopTokens = [_stop], Reply = _grammar.Start("q x") },
            TestContext.Current.CancellationToken)[0][0];

        Assert.Equal(FinishReason.EndOfText, reply.Finish);
        Assert.Empty(Verifiers.Check(ReplyParser.Parse(_tokenizer.Decode(reply.TextTokens)), "q x").HardFailures);
        Assert.Single(reply.Choices.Take(8), choice => choice.Token == Token(" c"));
        Assert.InRange(reply.Choices.Max(choice => choice.Removed), 0.3, 1);
    }

    [Fact]
    public void Plain_letters_are_decided_together_and_nothing_is_told_before_that()
    {
        // q looks like c and a little like a; x and the second q look like c and nothing else: read one by one, x would lose its c.
        int[] wanted = [.. _tokenizer.Encode(" q→ c\n x→ c\n"), .. Enumerable.Repeat(Token(" z"), 200)];
        using var decoder = new ScriptedDecoder([wanted], SmallTokenizer.VocabSize)
        {
            Doubt = (place, logits) => { if (place == 2) logits[Token(" a")] = 4.5f; },
        };
        List<int> told = [];
        var reply = Generator.Generate(
            decoder,
            [new Prompt([1, 2, 3], new RopePositions(new long[9], 3, 0), [])],
            new GenerationOptions
            {
                MaxTokens = 150,
                StopTokens = [_stop],
                Reply = _grammar.Start("q x"),
                Alternatives = 2,
                OnToken = (choice, alternatives) => told.Add(choice.Token == alternatives[0].Token ? choice.Token : -choice.Token),
            },
            TestContext.Current.CancellationToken)[0][0];

        Assert.Equal(" q→ a\n x→ c\n<chars> a c</chars>\n</think>\n<answer>ac</answer>", _tokenizer.Decode(reply.TextTokens));
        Assert.Equal(reply.Choices.Select(choice => choice.Token), told.Select(Math.Abs));
        Assert.Equal(-Token(" a"), told[2]);
        Assert.Equal(reply.Choices.Count, reply.Alternatives.Count);
        Assert.InRange(reply.Choices[2].Removed, 0.5, 1);
        // Fed: seven tokens up to the last letter and 24 lines of four that were only asked for, but for the very last; then from the first arrow on once more,
        // up to the one before the stop token.
        Assert.Equal(7 + (24 * 4) - 1 + reply.Choices.Count - 2, decoder.Steps.Count + decoder.Appended.Sum(tokens => tokens.Length));
        // In one run up to the first letter, one for each letter that is asked for but the last, and one for all that the decision leaves no choice in.
        Assert.Equal((1 + 25 + 1, 0), (decoder.Appended.Count, decoder.Steps.Count));
    }

    [Theory]
    [InlineData(1), InlineData(3)]
    public void Feeding_given_tokens_ahead_changes_no_reply(int rows)
    {
        int[] wanted = [.. _tokenizer.Encode(" q→ a\n x→ c\n _→ _\n q→ a\n"), .. Enumerable.Repeat(Token(" z"), 200)];
        (Generation[] Replies, ScriptedDecoder Decoder) Generate(bool canAppend, int mostTokens)
        {
            var decoder = new ScriptedDecoder([.. Enumerable.Repeat(wanted, rows)], SmallTokenizer.VocabSize)
            {
                CanAppend = canAppend,
                Doubt = (_, logits) => logits[Array.IndexOf(logits, 5f)] = 50,
            };
            var options = new GenerationOptions { MaxTokens = mostTokens, StopTokens = [_stop], Reply = _grammar.Start("q x _ q"), Alternatives = 2 };
            return (Generator.Generate(
                decoder,
                [.. Enumerable.Repeat(new Prompt([1, 2, 3], new RopePositions(new long[9], 3, 0), []), rows)],
                Enumerable.Repeat(options, rows).ToArray(),
                TestContext.Current.CancellationToken), decoder);
        }

        foreach (var mostTokens in (int[])[1, 2, 3, 4, 5, 13, 17, 20, 150])
        {
            var (plain, ahead) = (Generate(false, mostTokens), Generate(true, mostTokens));
            for (var row = 0; row < rows; row++)
            {
                Assert.Equal(plain.Replies[row].Choices, ahead.Replies[row].Choices);
                Assert.Equal(plain.Replies[row].Finish, ahead.Replies[row].Finish);
                Assert.Equal(plain.Replies[row].Reading.Decided, ahead.Replies[row].Reading.Decided);
                Assert.Equal(plain.Replies[row].Choices.Count, ahead.Replies[row].Alternatives.Count);
            }
            Assert.Empty(plain.Decoder.Appended);
            if (mostTokens > 2) Assert.NotEmpty(ahead.Decoder.Appended);
            Assert.All(ahead.Decoder.Appended, tokens => Assert.True(tokens.Length > 1));
        }
    }

    [Fact]
    public void A_reply_of_which_only_the_letters_are_wanted_ends_with_the_last_of_them_and_says_where_each_was_looked_for()
    {
        int[] wanted = [.. _tokenizer.Encode(" q→ a\n x→ c\n"), .. Enumerable.Repeat(Token(" z"), 200)];
        using var decoder = new ScriptedDecoder([wanted], SmallTokenizer.VocabSize)
        {
            Doubt = (_, logits) => logits[Array.IndexOf(logits, 5f)] = 50,
            Attention = (_, length) => [length, 1],
        };
        var reply = Generator.Generate(
            decoder,
            [new Prompt([1, 2, 3], new RopePositions(new long[9], 3, 0), [])],
            new GenerationOptions { MaxTokens = 150, StopTokens = [_stop], Reply = _grammar.Start("q x"), LettersOnly = true },
            TestContext.Current.CancellationToken)[0][0];

        Assert.Equal(FinishReason.LettersDecided, reply.Finish);
        Assert.Equal(" q→ a\n x→ c", _tokenizer.Decode(reply.TextTokens));
        Assert.Equal([('q', 'a'), ('x', 'c')], reply.Reading.Decided.Select(letter => (letter.Coded, letter.Plain)));
        Assert.Equal([3 + 2, 3 + 6], reply.Reading.LookedAt.Select(weights => weights[0]));
    }

    [Fact]
    public void A_tokenizer_that_cuts_letters_otherwise_is_refused_with_the_way_out()
    {
        var other = Tokenizer.Load(Path.Combine(ReferencePackage.Package, "tokenizer.json"));
        Assert.Contains("mapping_lines", Assert.Throws<ModelException>(() => new ReplyGrammar(other, 0)).Message, StringComparison.Ordinal);
    }

    private static string Answer(SeededRandom rng) =>
        string.Join(' ', Enumerable.Range(0, rng.Between(1, 4)).Select(
            _ => string.Concat(Enumerable.Range(0, rng.Between(1, 9)).Select(_ => (char)rng.Between('a', 'z')))));

    private int Token(string text) => Assert.Single(_tokenizer.Encode(text));

    private ReplyState After(ReplyState state, string text) => _tokenizer.Encode(text).Aggregate(state, (current, token) => current.After(token));
}
