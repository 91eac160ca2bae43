namespace Vlm.Hosting;

/// <summary>What the holder of a key may do. In the key file and in messages in small letters.</summary>
[Flags]
public enum Roles
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Ask questions, and read their answers and events.</summary>
    Ask = 1,

    /// <summary>See what everybody asked, pictures and answers, and review it.</summary>
    See = 2,

    /// <summary>See the state of the service and what everybody was answered, and decide about dead letters.</summary>
    Operate = 4,

    /// <summary>All of it.</summary>
    All = Ask | See | Operate,
}

/// <summary>The written form of roles: their names with commas between.</summary>
public static class RoleNames
{
    /// <summary>The names that there are, for messages.</summary>
    public const string Known = "ask, see, operate";

    /// <summary>Reads a list such as <c>ask,operate</c>; null when a name is unknown or none is given.</summary>
    public static Roles? Parse(string text)
    {
        var roles = Roles.None;
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var role = name switch
            {
                "ask" => Roles.Ask,
                "see" => Roles.See,
                "operate" => Roles.Operate,
                _ => Roles.None,
            };
            if (role == Roles.None) return null;
            roles |= role;
        }
        return roles;
    }

    /// <summary>The list of some roles.</summary>
    public static string Write(Roles roles) =>
        string.Join(',', new[] { Roles.Ask, Roles.See, Roles.Operate }.Where(role => roles.HasFlag(role)).Select(role => role.ToString().ToLowerInvariant()));
}

/// <summary>Who asks: the name of the key, and what it may do.</summary>
public sealed record Caller(string Name, Roles Roles)
{
    /// <summary>Everybody, where no keys are required.</summary>
    public static Caller Anybody { get; } = new("", Roles.All);
}
