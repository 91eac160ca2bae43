using Vlm.Files;

namespace Vlm.Edge.Storage;

/// <summary>
/// Room on the disk that is kept for finishing what was begun. SQLite needs room even to delete a row, so on a disk that was filled to the last block, be it by
/// the box itself, nothing could ever leave: what is sent would be sent again and again. A file with nothing in it keeps the room until then.
/// </summary>
internal sealed class Reserve(string path)
{
    // More than the database's log between two checkpoints, with a page or two of every change.
    private const int Bytes = 512 << 10;

    /// <summary>Takes the room, unless it is taken.</summary>
    /// <exception cref="IOException">There is none; nothing is left behind.</exception>
    public void Fill()
    {
        if (File.Exists(path)) return;
        AtomicFile.Write(path, new byte[Bytes]);
    }

    /// <summary>Gives the room to the next write.</summary>
    /// <returns>Whether there was any to give.</returns>
    public bool Spend()
    {
        if (!File.Exists(path)) return false;
        File.Delete(path);
        return true;
    }
}
