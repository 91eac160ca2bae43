namespace Vlm.Engine;

/// <summary>
/// The seam between a model and the decode loop: a batch of independent rows, each with its own history.
/// A row's logits are those for the token after its history; <see cref="Step"/> appends a token to every row's history.
/// </summary>
/// <remarks>Not thread-safe: one loop owns a decoder.</remarks>
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
    /// <exception cref="Package.ModelException">A graph of the package failed.</exception>
    /// <exception cref="PromptTooLongException">A prompt is longer than <see cref="MaxLength"/>.</exception>
    void Prefill(IReadOnlyList<Prompt> prompts);

    /// <summary>Appends one token to each row.</summary>
    /// <param name="tokens">[Rows]; a negative number leaves a row as it is.</param>
    void Step(ReadOnlySpan<int> tokens);

    /// <summary>Whether <see cref="Append"/> works: some packages give only the last token's logits.</summary>
    bool CanAppend { get; }

    /// <summary>Appends tokens to one row, in one run.</summary>
    /// <param name="row">The row; the others stay as they are.</param>
    /// <param name="tokens">n of them, at least one.</param>
    /// <returns>[n, V] the logits after each of them; valid until the next call.</returns>
    ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens);

    /// <summary>[V] the logits for the token after the row's history; valid until that changes.</summary>
    ReadOnlySpan<float> Logits(int row);

    /// <summary>Tokens in a row's history.</summary>
    int Length(int row);

    /// <summary>Cuts a row's history back, to a point after its pictures. The next <see cref="Step"/> goes on from there.</summary>
    void Rewind(int row, int length);

    /// <summary>
    /// Where the model looks at the end of the row's history: one weight per picture token of the prompt, in their order, with sum 1;
    /// null when the package does not show it or the prompt has no picture.
    /// </summary>
    float[]? PictureAttention(int row);
}

/// <summary>A prompt that does not fit. The message is for the user.</summary>
public sealed class PromptTooLongException(string message) : UserException(message);
