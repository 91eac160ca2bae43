using System.Text.Json;
using Vlm.Files;
using Vlm.Package;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Runs;

/// <summary>
/// <c>provenance.json</c> of a checkpoint: where it comes from and what it was measured to do; export carries it into the package's manifest.
/// </summary>
internal static class CheckpointProvenance
{
    private const string FileName = "provenance.json";

    /// <summary>What the checkpoint's file says; an empty one where there is none.</summary>
    /// <exception cref="InvalidDataException">There is a file, but it is not understood.</exception>
    public static Provenance Read(string checkpoint)
    {
        var path = Path.Combine(checkpoint, FileName);
        if (!File.Exists(path)) return new Provenance();
        try
        {
            return JsonSerializer.Deserialize<Provenance>(File.ReadAllBytes(path), TrainJson.Options)
                ?? throw new InvalidDataException($"{path}: expected an object, found null.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is not a provenance file: {error.Message} Remove it, or let training write it again.", error);
        }
    }

    /// <summary>Puts the file in the place of an older one in one step.</summary>
    public static void Write(string checkpoint, Provenance provenance) =>
        AtomicFile.Write(Path.Combine(checkpoint, FileName), JsonSerializer.Serialize(provenance, TrainJson.Options) + "\n");
}
