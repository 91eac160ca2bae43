using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Vlm.Hosting;

namespace Vlm.Escalation.Tests.Hosting;

public sealed class ApiKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-keys-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);

    private string File => Path.Combine(_folder, "keys.txt");

    [Fact]
    public void A_key_is_known_by_its_hash_and_belongs_to_a_name()
    {
        Write($"# boxes\n\n{ApiKeys.ToLine("box-1", "one")}\n{ApiKeys.ToLine("box-2", "two")}\n");
        var keys = Open();
        Assert.Equal(("box-1", "box-2", null, null), (keys.Find("one")?.Name, keys.Find("two")?.Name, keys.Find("three")?.Name, keys.Find(null)?.Name));
    }

    [Fact]
    public void A_changed_file_is_in_force_a_second_later_and_a_damaged_one_changes_nothing()
    {
        Write(ApiKeys.ToLine("box-1", "one"));
        var keys = Open();
        Write(ApiKeys.ToLine("box-1", "new"), age: 1);
        Assert.Equal("box-1", keys.Find("one")?.Name);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((null, "box-1"), (keys.Find("one")?.Name, keys.Find("new")?.Name));

        Write("box-1 half-writ", age: 2);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("box-1", keys.Find("new")?.Name);
        Write(ApiKeys.ToLine("box-1", "newest"), age: 3);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("box-1", keys.Find("newest")?.Name);
    }

    [Theory]
    [InlineData("box-1 1234", ":1:")]
    [InlineData("# fine\nbox 1 2 3", ":2:")]
    [InlineData("secret-in-plain-text", "found one word, perhaps a key in plain text")]
    public void A_line_that_is_none_is_named(string text, string where)
    {
        Write(text);
        var message = Assert.Throws<ConfigException>(Open).Message;
        Assert.Contains(where, message, StringComparison.Ordinal);
        Assert.Contains("Make a new key with the verb 'key'", message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_has_the_roles_of_its_line_and_one_without_asks()
    {
        var line = ApiKeys.ToLine("box-1", "one");
        Write($"{line[..line.LastIndexOf(' ')]}\n{ApiKeys.ToLine("chief", "two", Roles.See | Roles.Operate)}\n");
        var keys = Open();
        Assert.Equal((Roles.Ask, Roles.See | Roles.Operate), (keys.Find("one")!.Roles, keys.Find("two")!.Roles));

        Write(ApiKeys.ToLine("box-1", "one").Replace(" ask", " ask,rule", StringComparison.Ordinal));
        Assert.Contains("expected roles out of ask, see, operate", Assert.Throws<ConfigException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_no_keys_at_all_are_told_before_anything_is_served()
    {
        Assert.Contains("does not exist", Assert.Throws<ConfigException>(Open).Message, StringComparison.Ordinal);
        var none = new KeySource(true, null, "VLM_NO_SUCH_VARIABLE", "keys.file");
        Assert.Contains("No API keys", Assert.Throws<ConfigException>(() => new ApiKeys(none, _time, NullLogger<ApiKeys>.Instance)).Message,
            StringComparison.Ordinal);
        Assert.False(new ApiKeys(none with { IsRequired = false }, _time, NullLogger<ApiKeys>.Instance).IsRequired);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ApiKeys Open() => new(new KeySource(true, File, "VLM_NO_SUCH_VARIABLE", "keys.file"), _time, NullLogger<ApiKeys>.Instance);

    private void Write(string text, int age = 0)
    {
        System.IO.File.WriteAllText(File, text);
        // File systems tell times apart no finer than a few milliseconds; the test should not depend on that.
        System.IO.File.SetLastWriteTimeUtc(File, DateTime.UnixEpoch.AddDays(1).AddSeconds(age));
    }
}
