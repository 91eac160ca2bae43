using Vlm.Hosting;

namespace Vlm.Edge.Answers;

/// <summary>Which questions a key may know of: one that only asks its own, one that sees pictures or operates the box all of them.</summary>
/// <param name="Only">Name of the key whose questions they are; null for all.</param>
internal sealed record Reader(string? Only)
{
    /// <summary>Any of the roles opens answers and events; which of them it shows, this class decides.</summary>
    public const Roles AnyRole = Roles.All;

    /// <summary>What a key may know.</summary>
    public static Reader Of(Caller caller) => new((caller.Roles & (Roles.See | Roles.Operate)) != 0 ? null : caller.Name);

    /// <summary>Whether it may know of a question.</summary>
    /// <param name="askedBy">Name of the key that asked.</param>
    public bool Sees(string askedBy) => Only is null || Only == askedBy;
}
