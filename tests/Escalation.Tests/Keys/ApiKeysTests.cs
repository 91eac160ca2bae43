using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Vlm.Escalation.Keys;
using Vlm.Escalation.Settings;

namespace Vlm.Escalation.Tests.Keys;

public sealed class ApiKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-keys-").FullName;
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch);

    private string File => Path.Combine(_folder, "keys.txt");

    [Fact]
    public void A_key_is_known_by_its_hash_and_belongs_to_a_name()
    {
        Write("# boxes\n\nbox-1 " + Hash("one") + "\nbox-2 " + Hash("two") + "\n");
        var keys = Open();
        Assert.Equal(("box-1", "box-2", null, null), (keys.NameOf("one"), keys.NameOf("two"), keys.NameOf("three"), keys.NameOf(null)));
    }

    [Fact]
    public void A_changed_file_is_in_force_a_second_later_and_a_damaged_one_changes_nothing()
    {
        Write("box-1 " + Hash("one"));
        var keys = Open();
        Write("box-1 " + Hash("new"), age: 1);
        Assert.Equal("box-1", keys.NameOf("one"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((null, "box-1"), (keys.NameOf("one"), keys.NameOf("new")));

        Write("box-1 half-writ", age: 2);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("box-1", keys.NameOf("new"));
        Write("box-1 " + Hash("newest"), age: 3);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("box-1", keys.NameOf("newest"));
    }

    [Theory]
    [InlineData("box-1 1234", ":1:")]
    [InlineData("# fine\nbox 1 2", ":2:")]
    public void A_line_that_is_none_is_named(string text, string where)
    {
        Write(text);
        Assert.Contains(where, Assert.Throws<SettingsException>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_no_keys_at_all_are_told_before_anything_is_served()
    {
        Assert.Contains("does not exist", Assert.Throws<SettingsException>(Open).Message, StringComparison.Ordinal);
        var none = new KeyOptions { Environment = "ESCALATION_NO_SUCH_VARIABLE" };
        Assert.Contains("No API keys", Assert.Throws<SettingsException>(() => new ApiKeys(none, _time, NullLogger<ApiKeys>.Instance)).Message, StringComparison.Ordinal);
        Assert.False(new ApiKeys(none with { Required = false }, _time, NullLogger<ApiKeys>.Instance).IsRequired);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private ApiKeys Open() => new(new KeyOptions { File = File, Environment = "ESCALATION_NO_SUCH_VARIABLE" }, _time, NullLogger<ApiKeys>.Instance);

    private void Write(string text, int age = 0)
    {
        System.IO.File.WriteAllText(File, text);
        // File systems tell times apart no finer than a few milliseconds; the test should not depend on that.
        System.IO.File.SetLastWriteTimeUtc(File, DateTime.UnixEpoch.AddDays(1).AddSeconds(age));
    }

    private static string Hash(string key) => Convert.ToHexStringLower(ApiKeys.Hash(key));
}
