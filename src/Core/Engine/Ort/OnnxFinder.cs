using Microsoft.ML.OnnxRuntime;
using Vlm.Finding;
using Vlm.Package;

namespace Vlm.Engine.Ort;

/// <summary>
/// A detector of four corners with ONNX Runtime: any graph <c>finder.onnx</c> with the input <c>frame</c> [B, 1, 144, 192] and the outputs
/// <c>corners</c> [B, 4, 2], <c>peaks</c> [B, 4] and <c>seen</c> [B, 5]. Thread-safe.
/// </summary>
public sealed class OnnxFinder : IDisposable
{
    private static readonly string[] Outputs = ["corners", "peaks", "seen"];

    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();

    /// <param name="folder">A package, verified.</param>
    /// <param name="threads">Threads inside an operator.</param>
    /// <exception cref="ModelException">The package is damaged, or its graph has other inputs and outputs.</exception>
    public OnnxFinder(string folder, int threads = 1)
    {
        var verified = ModelFolder.Open(folder);
        var path = Path.Combine(verified.Path, SheetFinderPackage.Graph);
        if (!File.Exists(path))
            throw new ModelException($"'{folder}' has no {SheetFinderPackage.Graph}: this is no package of a sheet finder. `export finder` writes one.");
        using var options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
        try
        {
            _session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ModelException($"'{path}' cannot be loaded: {e.Message}. Export it again.", e);
        }

        if (_session.InputNames is not ["frame"] || Outputs.Except(_session.OutputNames).Any())
        {
            var found = $"'{string.Join("', '", _session.InputNames)}' and '{string.Join("', '", _session.OutputNames)}'";
            _session.Dispose();
            throw new ModelException($"'{path}' has the inputs and outputs {found}; expected 'frame' and '{string.Join("', '", Outputs)}'.");
        }

        Fingerprint = verified.Fingerprint;
    }

    /// <summary>The package's: see <see cref="ModelFolder.Fingerprint"/>.</summary>
    public string Fingerprint { get; }

    /// <summary>Looks at one frame.</summary>
    public FinderOutput Look(FinderInput frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        using var input = OrtValue.CreateTensorValueFromMemory(frame.Values, [1, 1, FinderInput.Height, FinderInput.Width]);
        using var said = _session.Run(_options, ["frame"], [input], Outputs);
        return new FinderOutput(
            said[0].GetTensorDataAsSpan<float>().ToArray(), said[1].GetTensorDataAsSpan<float>().ToArray(), said[2].GetTensorDataAsSpan<float>().ToArray());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _options.Dispose();
        _session.Dispose();
    }
}
