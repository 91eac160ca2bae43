using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class PromptSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("prompts").FullName;

    public PromptSourceTests() => TinyPolicy.Write(_folder);

    [Fact]
    public void A_whole_picture_is_asked_a_message_of_the_configuration_and_one_that_hides_letters_its_own()
    {
        var strata = new StratumMix { Whole = 1, Absent = 1, Empty = 1 };
        var source = Source(new MessageConfig { MostWords = 1, Letters = 0 }, strata);
        var drawn = new PuzzleSource(new PuzzleOptions { Pictures = PictureMix.ReferenceOnly, Strata = strata }, 5);
        var puzzles = Enumerable.Range(0, 24).Select(n => (Prompt: Assert.Single(source.At(n)).Puzzle, Drawn: drawn.At(n))).ToList();

        Assert.Contains(puzzles, puzzle => !puzzle.Prompt.IsReadable);
        foreach (var (prompt, own) in puzzles)
        {
            if (prompt.Stratum == Stratum.Whole) Assert.DoesNotContain(' ', prompt.Answer);
            else Assert.Equal((own.Answer, own.Code), (prompt.Answer, prompt.Code));
            Assert.Equal(
                prompt.Answer,
                string.Concat(Message.FromSpaced(prompt.Code).Select(coded => coded == ' ' ? ' '
                    : prompt.Unseen.Contains(coded, StringComparison.Ordinal) ? Message.Unseen : prompt.Cipher.Decode(coded))));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private PromptSource Source(MessageConfig messages, StratumMix strata) => new(
        new GrpoConfig
        {
            Name = "prompts",
            Seed = 5,
            From = _folder,
            Steps = 1,
            PromptsPerStep = 1,
            GroupSize = 2,
            LearningRate = 1,
            DrawnPictures = PictureMix.ReferenceOnly,
            Messages = messages,
            Strata = strata,
        },
        CheckpointInput.Load(_folder));
}
