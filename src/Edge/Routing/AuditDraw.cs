using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Vlm.Edge.Routing;

/// <summary>
/// The chance of the audit, from the random id of a question: the same before and after a restart, and known again when the larger model's answer comes.
/// </summary>
internal static class AuditDraw
{
    /// <returns>Uniform in [0, 1).</returns>
    public static double Draw(string id) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes("audit " + id))) >> 11) * (1.0 / (1UL << 53));
}
