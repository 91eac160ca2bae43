using Vlm.Model;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Trainer.Sampling;

/// <summary>A picture and the prompt about it.</summary>
/// <param name="Patches">The picture; null for text alone.</param>
/// <param name="Ids">[T] prompt with image tokens expanded.</param>
public sealed record TorchPrompt(Patches? Patches, int[] Ids);

/// <summary>How a checkpoint takes pictures and is asked.</summary>
/// <param name="Pictures">Size and normalisation of pictures.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Template">Its prompt.</param>
public sealed record CheckpointInput(PictureConfig Pictures, Tokenizer Tokenizer, PromptTemplate Template)
{
    /// <summary>Reads the files of a checkpoint folder.</summary>
    /// <exception cref="CheckpointException">One is missing or cannot be used.</exception>
    public static CheckpointInput Load(string folder) => new(
        PictureConfig.Load(Path.Combine(folder, "preprocessor_config.json")),
        Tokenizer.Load(Path.Combine(folder, "tokenizer.json")),
        Prompt(folder));

    /// <summary>Its own, or that of a public chat model.</summary>
    private static PromptTemplate Prompt(string folder)
    {
        var own = Path.Combine(folder, PublicPrompt.FileName);
        if (File.Exists(own)) return PromptTemplate.Load(own);
        var (prompt, why) = PublicPrompt.Of(folder);
        return prompt ?? throw new CheckpointException($"{why}. Write a {PublicPrompt.FileName} into the checkpoint.");
    }

    /// <summary>What replies are held to.</summary>
    /// <exception cref="CheckpointException">The prompt promises no such replies.</exception>
    public ReplyGrammar Grammar() => Template.MappingLines
        ? new ReplyGrammar(Tokenizer, Tokenizer.Id(Template.StopTokens[0]))
        : throw new CheckpointException(
            "prompt.json says nothing of \"mapping_lines\", so there is no grammar to hold replies to. Let them be free (\"rollouts\": \"free\").");

    /// <summary>What the model is given for a puzzle.</summary>
    public TorchPrompt Ask(Puzzle puzzle)
    {
        var patches = Patches.From(puzzle.Picture, Pictures);
        return new TorchPrompt(patches, Tokenizer.Encode(Template.Text(puzzle.Code, patches.Grid.MergedTokens(Pictures.MergeSize))));
    }
}
