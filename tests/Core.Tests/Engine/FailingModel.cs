using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Core.Tests.Engine;

/// <summary>A package on a card that fails after some steps; until then it is the real model.</summary>
/// <param name="folder">The package.</param>
/// <param name="steps">Runs of the decoder that work.</param>
internal sealed class FailingModel(string folder, int steps) : IVisionModel
{
    private readonly IVisionModel _model = Engines.Open(folder, new EngineOptions { Threads = 1, Provider = ProviderKind.Cpu });
    private int _left = steps;

    public bool IsDisposed { get; private set; }

    public PackageConfig Config => _model.Config;

    public bool ShowsAttention => _model.ShowsAttention;

    public Placement Placement { get; } = new(ProviderKind.Cuda, PlacementReason.Found, "this build has it");

    public EncodedPicture Encode(Patches patches) => _model.Encode(patches);

    public IDecoder Allocate(int rows, int maxLength = 0) => new Decoder(this, _model.Allocate(rows, maxLength));

    public void Dispose()
    {
        IsDisposed = true;
        _model.Dispose();
    }

    private void Run()
    {
        if (_left-- <= 0) throw new ProviderException("'text.onnx' failed while running on CUDA: an illegal memory access was encountered.");
    }

    private sealed class Decoder(FailingModel model, IDecoder inner) : IDecoder
    {
        public int Rows => inner.Rows;

        public int MaxLength => inner.MaxLength;

        public bool CanAppend => inner.CanAppend;

        public void Prefill(IReadOnlyList<Prompt> prompts)
        {
            model.Run();
            inner.Prefill(prompts);
        }

        public void Step(ReadOnlySpan<int> tokens)
        {
            model.Run();
            inner.Step(tokens);
        }

        public ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens)
        {
            model.Run();
            return inner.Append(row, tokens);
        }

        public ReadOnlySpan<float> Logits(int row) => inner.Logits(row);

        public int Length(int row) => inner.Length(row);

        public void Rewind(int row, int length) => inner.Rewind(row, length);

        public float[]? PictureAttention(int row) => inner.PictureAttention(row);

        public void Dispose() => inner.Dispose();
    }
}
