using Vlm.Export.Check;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Export.Tests;
using Vlm.Package;

[assembly: AssemblyFixture(typeof(TinyPackages))]

namespace Vlm.Export.Tests;

/// <summary>The tiny golden checkpoint, completed with a tokenizer and a prompt, and its exports: each made once, when first asked for.</summary>
public sealed class TinyPackages : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, PlainSessions> _sessions = [];

    public TinyPackages() => CopyCheckpoint(Checkpoint);

    internal string Checkpoint => _folder["checkpoint"];

    /// <summary>The folder of a package of this precision.</summary>
    internal string Package(string precision)
    {
        lock (_gate)
        {
            var path = _folder[precision];
            if (!Directory.Exists(path)) PackageWriter.Write(Checkpoint, path, new ExportOptions(ExportOptions.ParsePrecision(precision)));
            return path;
        }
    }

    internal PlainSessions Sessions(string precision)
    {
        var path = Package(precision);
        lock (_gate)
        {
            return _sessions.TryGetValue(precision, out var open) ? open : _sessions[precision] = PlainSessions.Open(path);
        }
    }

    internal static void CopyCheckpoint(string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in (string[])["config.json", "model.safetensors", "preprocessor_config.json"])
            File.Copy(Repository.Golden("qwen25vl", "checkpoint", file), Path.Combine(target, file));
        foreach (var file in (string[])["tokenizer.json", "tokenizer_config.json"])
            File.Copy(Repository.Golden("genai-reference", "package", file), Path.Combine(target, file));
        PromptTemplate.Small.Save(Path.Combine(target, "prompt.json"));
    }

    public void Dispose()
    {
        foreach (var session in _sessions.Values)
            session.Dispose();
        _folder.Dispose();
    }
}

