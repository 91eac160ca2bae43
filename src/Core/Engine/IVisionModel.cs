using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Engine;

/// <summary>The libraries that can run a package. Which of them a build has: <c>Engines</c>.</summary>
public enum EngineKind
{
    /// <summary>ONNX Runtime, with key/value memory of ours.</summary>
    Ort,

    /// <summary>ONNX Runtime GenAI; only in builds with <c>-p:Accelerator=genai</c>.</summary>
    Genai,
}

/// <summary>Which engine, and how it uses the machine.</summary>
public sealed record EngineOptions
{
    /// <summary>The library that runs the package.</summary>
    public EngineKind Kind { get; init; } = EngineKind.Ort;

    /// <summary>What computes; <see cref="ProviderKind.Auto"/> by default.</summary>
    public ProviderKind Provider { get; init; }

    /// <summary>
    /// Threads per operator; 0 (the default) means one per processor that this process may use, and one alone for a decoder so small that waking a second
    /// costs more than it saves.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>For tests: keys, values and embeddings are kept as on a device, where there is none.</summary>
    internal bool TreatsHostAsDevice { get; init; }

    // A step over weights that fit the caches takes a third of a millisecond; measured, a second thread that sleeps between operators makes it slower.
    private const long SmallDecoderBytes = 64 << 20;

    /// <summary>Threads of the decoder's graph and of the vision tower's.</summary>
    internal (int Decoder, int Vision) ThreadsFor(PackageConfig config)
    {
        if (Threads > 0) return (Threads, Threads);
        var decoder = Directory.EnumerateFiles(config.Folder, config.Text.File + "*").Sum(file => new FileInfo(file).Length);
        return (decoder < SmallDecoderBytes ? 1 : Environment.ProcessorCount, Environment.ProcessorCount);
    }
}

/// <summary>A package that an engine has loaded: pictures in, decoders out. It knows tokens and pictures, and nothing of what is asked with them.</summary>
/// <remarks>May be shared by threads; a decoder belongs to one. Dispose decoders and pictures first.</remarks>
public interface IVisionModel : IDisposable
{
    /// <summary>What the package says about itself.</summary>
    PackageConfig Config { get; }

    /// <summary>Whether decoders say where the model looks: only packages of ours can.</summary>
    bool ShowsAttention { get; }

    /// <summary>Where it runs, and why there.</summary>
    Placement Placement { get; }

    /// <summary>Makes one picture ready for prompts.</summary>
    /// <exception cref="ModelException">A graph of the package failed.</exception>
    /// <exception cref="ProviderException">It failed on something that is not the processor.</exception>
    /// <exception cref="ArgumentException">The patches do not have the length that the package takes.</exception>
    EncodedPicture Encode(Patches patches);

    /// <summary>Allocates the memory of a batch, once.</summary>
    /// <param name="rows">Rows of the batch, at least 1.</param>
    /// <param name="maxLength">Tokens per row, prompt included; 0 means the package's own limit, and no more than its context is allowed.</param>
    IDecoder Allocate(int rows, int maxLength = 0);
}

/// <summary>A picture as its engine takes it; any number of prompts may hold it. What is in it is the engine's own affair.</summary>
/// <param name="grid">The patches it came from.</param>
/// <param name="tokens">How many placeholder tokens it replaces.</param>
public abstract class EncodedPicture(PatchGrid grid, int tokens) : IDisposable
{
    /// <summary>The patches it came from.</summary>
    public PatchGrid Grid => grid;

    /// <summary>How many placeholder tokens it replaces.</summary>
    public int Tokens => tokens;

    /// <summary>Frees its memory. Prompts that hold the picture cannot be used any more.</summary>
    public abstract void Dispose();
}

/// <summary>A question, ready for the decoder.</summary>
/// <param name="Ids">[T] tokens, with one placeholder per merged patch of each picture.</param>
/// <param name="Positions">[3, T] rotary positions of the same tokens.</param>
/// <param name="Pictures">The pictures, in the order of their placeholders, all from the engine that reads the prompt.</param>
public sealed record Prompt(int[] Ids, RopePositions Positions, IReadOnlyList<EncodedPicture> Pictures)
{
    /// <summary>A prompt with the positions that follow from its tokens and pictures.</summary>
    /// <exception cref="ArgumentException">The placeholders are not those of the pictures.</exception>
    public static Prompt For(int[] ids, IReadOnlyList<EncodedPicture> pictures, PackageConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new Prompt(ids, RopePositions.For(ids, [.. pictures.Select(picture => picture.Grid)], config.Tokens), pictures);
    }

    /// <summary>
    /// Holds a prompt against a decoder of <paramref name="maxLength"/> tokens a row: graphs would fail without saying why, or not fail and be wrong.
    /// </summary>
    /// <exception cref="PromptTooLongException">It is longer than that.</exception>
    /// <exception cref="ArgumentException">It is empty, or its parts do not belong together or to the package.</exception>
    public void Check(PackageConfig config, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (Ids.Length > maxLength)
            throw new PromptTooLongException($"The prompt has {Ids.Length} tokens; the model takes {maxLength}, reply included. Ask a shorter question.");
        if (Ids.Length == 0) throw new ArgumentException("A prompt must have at least one token.");
        if (Positions.Length != Ids.Length) throw new ArgumentException($"A prompt of {Ids.Length} tokens has positions for {Positions.Length}.");
        var placeholders = Ids.Count(id => id == config.Tokens.Image);
        var features = Pictures.Sum(picture => picture.Tokens);
        if (placeholders != features) throw new ArgumentException($"The prompt holds {placeholders} picture tokens, but its pictures have {features}.");
        var outside = Array.FindIndex(Ids, id => id < 0 || id >= config.VocabularySize);
        if (outside >= 0) throw new ArgumentException($"The prompt's token {outside} is {Ids[outside]}; the vocabulary has {config.VocabularySize}.");
    }
}

/// <summary>A prompt that does not fit. The message is for the user.</summary>
public sealed class PromptTooLongException(string message) : UserException(message);
