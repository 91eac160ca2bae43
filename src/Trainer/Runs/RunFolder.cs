using System.Text.Json;
using Vlm.Package;
using Vlm.Text;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Runs;

/// <summary>
/// <c>runs/&lt;name&gt;</c>: the configuration as understood, metrics, plots, and the checkpoint: a Hugging Face folder with a
/// <c>training/</c> folder beside the weights that holds what exact resuming needs.
/// </summary>
internal sealed class RunFolder(string path)
{
    private const string StateFile = "training/state.json";

    public string Path { get; } = path;

    /// <summary>The checkpoint's folder. A kill between the two renames of <see cref="Replace"/> leaves the old one under another name.</summary>
    public string Checkpoint { get; } = System.IO.Path.Combine(path, "checkpoint");

    private string Old => Checkpoint + ".old";

    /// <summary>The small tokenizer, from its files in the run's folder.</summary>
    public Tokenizer Tokenizer()
    {
        Directory.CreateDirectory(Path);
        SmallTokenizer.Write(Path);
        return Text.Tokenizer.Load(System.IO.Path.Combine(Path, "tokenizer.json"));
    }

    /// <summary>
    /// Writes a checkpoint under a temporary name, then puts it in the place of the one before, so that a kill at any point leaves a whole one.
    /// </summary>
    /// <param name="write">Is given the folder, in which there is an empty folder <c>training</c>.</param>
    public void Replace(Action<string> write)
    {
        var temporary = Checkpoint + ".new";
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(System.IO.Path.Combine(temporary, "training"));
        write(temporary);

        if (Directory.Exists(Old)) Directory.Delete(Old, recursive: true);
        if (Directory.Exists(Checkpoint)) Directory.Move(Checkpoint, Old);
        Directory.Move(temporary, Checkpoint);
        if (Directory.Exists(Old)) Directory.Delete(Old, recursive: true);
    }

    /// <summary>Writes where a run stands into a checkpoint folder.</summary>
    public static void SaveState<T>(string folder, T state)
        => File.WriteAllText(System.IO.Path.Combine(folder, StateFile), JsonSerializer.Serialize(state, TrainJson.Options));

    /// <summary>Adds to the checkpoint where it comes from and what it was measured to do; export carries it into the package's manifest.</summary>
    public void SaveProvenance(Provenance provenance) => CheckpointProvenance.Write(Checkpoint, provenance);

    /// <summary>Where the run stands; null when it has not begun.</summary>
    public T? State<T>()
        where T : class
    {
        if (!Directory.Exists(Checkpoint) && Directory.Exists(Old)) Directory.Move(Old, Checkpoint);
        var file = System.IO.Path.Combine(Checkpoint, StateFile);
        return File.Exists(file) ? JsonSerializer.Deserialize<T>(File.ReadAllText(file), TrainJson.Options) : null;
    }
}
