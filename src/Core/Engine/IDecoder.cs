using Vlm.Package;

namespace Vlm.Engine;

/// <summary>
/// The seam between a model and the decode loop: a batch of independent rows, each with its own history.
/// A row's logits are those for the token after its history; <see cref="Step"/> appends a token to every row's history.
/// </summary>
/// <remarks>
/// What runs a graph throws <see cref="ModelException"/>, or <see cref="ProviderException"/> where something else than the processor failed.
/// Every engine does all of it the same way, which one contract test holds them to, but for two members that a package may not support:
/// <see cref="Append"/> where <see cref="CanAppend"/> is false, and <see cref="PictureAttention"/>, which then gives null.
/// Not thread-safe: one loop owns a decoder.
/// </remarks>
public interface IDecoder : IDisposable
{
    /// <summary>Rows of the batch.</summary>
    int Rows { get; }

    /// <summary>Tokens that one row's history can hold, prompt included.</summary>
    int MaxLength { get; }

    /// <summary>Forgets everything and reads prompts.</summary>
    /// <param name="prompts">
    /// P prompts; P divides <see cref="Rows"/>. Each is computed once and copied to Rows / P rows: row s x P + p is sample s of prompt p.
    /// </param>
    /// <exception cref="ModelException">A graph of the package failed.</exception>
    /// <exception cref="PromptTooLongException">A prompt is longer than <see cref="MaxLength"/>.</exception>
    void Prefill(IReadOnlyList<Prompt> prompts);

    /// <summary>Appends one token to each row.</summary>
    /// <param name="tokens">[Rows]; a negative number leaves a row as it is, so that it rests.</param>
    /// <exception cref="InvalidOperationException">No prompt was read yet, or a row that does not rest is full.</exception>
    void Step(ReadOnlySpan<int> tokens);

    /// <summary>Whether <see cref="Append"/> works: some packages give only the last token's logits.</summary>
    bool CanAppend { get; }

    /// <summary>Appends tokens to one row, in one run.</summary>
    /// <param name="row">The row; the others stay as they are.</param>
    /// <param name="tokens">n of them, at least one.</param>
    /// <returns>[n, V] the logits after each of them; valid until the next call.</returns>
    /// <exception cref="InvalidOperationException">No prompt was read yet, or the row has no room for them.</exception>
    ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens);

    /// <summary>[V] the logits for the token after the row's history; valid until that changes.</summary>
    ReadOnlySpan<float> Logits(int row);

    /// <summary>Tokens in a row's history.</summary>
    int Length(int row);

    /// <summary>Cuts a row's history back. Its logits are only those of the new end after the next <see cref="Step"/> or <see cref="Append"/>.</summary>
    /// <param name="row">The row.</param>
    /// <param name="length">Not before the end of its pictures, not after the end of its history.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is.</exception>
    void Rewind(int row, int length);

    /// <summary>
    /// Where the model looks at the end of the row's history: one weight per picture token of the prompt, in their order, with sum 1;
    /// null when the package does not show it or the prompt has no picture.
    /// </summary>
    float[]? PictureAttention(int row);
}
