using System.CommandLine;
using System.Security.Cryptography;
using Vlm.CommandLine;

namespace Vlm.Hosting;

/// <summary>The verb <c>key</c>: a new key, and the line for the key file.</summary>
public static class KeyCommand
{
    /// <summary>The verb of a service.</summary>
    /// <param name="prefix">How its keys begin, so that a lost one can be placed.</param>
    /// <param name="setting">The option that names the key file.</param>
    public static Command Create(string prefix, string setting)
    {
        var name = new Option<string>("--name") { Description = "Who will use it: one word.", Required = true };
        var roles = new Option<string>("--roles")
        {
            Description = $"What it may do, with commas between: {RoleNames.Known}.",
            DefaultValueFactory = _ => "ask",
        };
        var file = new Option<string?>("--keys") { Description = $"Adds the line to this file, which {setting} names, and does not print it." };
        var to = new Option<string?>("--to") { Description = "Writes the key into this file, for the client, and does not print it." };
        var command = new Command("key", $"Makes an API key. The key goes to the client, the line into the file that {setting} names.")
        {
            name, roles, file, to,
        };
        command.SetAction(result =>
        {
            var owner = result.GetRequiredValue(name);
            if (owner.Length == 0 || owner.Any(char.IsWhiteSpace) || owner[0] == '#')
                throw new UsageException($"--name is one word that does not begin with '#', not '{owner}'.");
            var may = RoleNames.Parse(result.GetRequiredValue(roles))
                ?? throw new UsageException($"--roles is some of {RoleNames.Known} with commas between, not '{result.GetRequiredValue(roles)}'.");
            var key = $"{prefix}-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
            Put("key", key, result.GetValue(to), isWhole: true);
            Put("line", ApiKeys.ToLine(owner, key, may), result.GetValue(file), isWhole: false);
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Into a file that others cannot read, or onto the console.</summary>
    private static void Put(string what, string text, string? file, bool isWhole)
    {
        if (file is null)
        {
            Console.WriteLine($"{what + ":",-5} {text}");
            return;
        }
        PrivateFiles.ByDefault();
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder) Directory.CreateDirectory(folder);
        // The key of another service is not lost by a slip: such a file is not written over.
        if (isWhole && File.Exists(file)) throw new UsageException($"'{file}' exists. Give another file, or remove it.");
        var isBroken = !isWhole && File.Exists(file) && new FileInfo(file).Length > 0 && !File.ReadAllText(file).EndsWith('\n');
        File.AppendAllText(file, $"{(isBroken ? "\n" : "")}{text}\n");
        Console.WriteLine($"{what + ":",-5} in {file}");
    }
}
