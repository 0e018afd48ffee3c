using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests.Suites;

/// <summary>Goal: which keys are which settings, and what their values are.</summary>
public abstract class MappingSuite : ConfigurationSuite
{
    [Fact]
    public async Task A_key_is_a_setting_without_the_prefix_and_with_colons()
    {
        await PutAsync("Color", "blue");
        await PutAsync("Logging/LogLevel/Default", "Debug");

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix));

        Assert.Equal("blue", root["color"]);
        Assert.Equal("Debug", root.GetSection("Logging:LogLevel")["Default"]);
        Assert.Equal(["Color", "Logging"], root.GetChildren().Select(child => child.Key));
    }

    [Fact]
    public async Task The_later_prefix_counts()
    {
        await PutAsync("common/Color", "blue");
        await PutAsync("common/Size", "1");
        await PutAsync("orders/color", "red");

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix + "common/").AddPrefix(Prefix + "orders/"));
        Assert.Equal(("red", "1"), (root["Color"], root["Size"]));

        root = Build(source => source.AddPrefix(Prefix + "orders/").AddPrefix(Prefix + "common/"));
        Assert.Equal(("blue", "1"), (root["Color"], root["Size"]));
    }

    [Fact]
    public async Task A_prefix_may_lie_in_another_one()
    {
        await PutAsync("Color", "blue");
        await PutAsync("orders/Color", "red");

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix).AddPrefix(Prefix + "orders/"));

        Assert.Equal(("red", "red"), (root["Color"], root["orders:Color"]));
    }

    [Fact]
    public async Task A_prefix_is_a_folder()
    {
        await PutAsync("app/Color", "blue");
        await PutAsync("application/Color", "red");
        await PutAsync("app", "white");

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix + "app"));

        Assert.Equal([new("Color", "blue")], root.AsEnumerable());
    }

    [Fact]
    public async Task A_section_is_put_above()
    {
        await PutAsync("flags/Beta", "true");

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix + "flags/", section: "Features:Flags"));

        Assert.Equal("true", root["Features:Flags:Beta"]);
    }

    [Fact]
    public async Task A_whole_document_can_be_one_key()
    {
        await PutAsync("appsettings.json", """{ "Logging": { "LogLevel": { "Default": "Debug" } }, "Hosts": ["a", "b"] }""");
        await PutAsync("Color", "blue");

        IConfigurationRoot root = Build(source => source
            .AddKey(Prefix + "appsettings.json", EtcdValueFormat.Json)
            .AddKey(Prefix + "Color")
            .AddKey(Prefix + "Color", section: "Paint:Color"));

        Assert.Equal("Debug", root["Logging:LogLevel:Default"]);
        Assert.Equal(["a", "b"], root.GetSection("Hosts").Get<string[]>() ?? []);
        Assert.Equal(("blue", "blue"), (root["Color"], root["Paint:Color"]));
    }

    [Fact]
    public async Task The_end_of_a_key_can_say_what_the_value_is()
    {
        await PutAsync("Window.json", """{ "Width": 800 }""");
        await PutAsync("Paint.yml", "Color: blue\nShades: [1, 2]");
        await PutAsync("Name", "{ x");

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix, EtcdValueFormat.ByExtension));

        Assert.Equal(("800", "blue", "2", "{ x"), (root["Window:Width"], root["Paint:Color"], root["Paint:Shades:1"], root["Name"]));
    }

    [Fact]
    public async Task Of_two_keys_that_are_one_setting_the_newer_counts_and_it_is_said()
    {
        await PutAsync("color", "new by name, old by revision");
        await PutAsync("Color", "blue");
        var log = new LogLines();

        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix);
            source.LoggerFactory = log;
        });

        Assert.Equal("blue", root["color"]);
        string line = Assert.Single(log.All, l => l.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Contains(Prefix + "Color and " + Prefix + "color are the same setting", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_can_be_changed_and_left_out_and_separated_otherwise()
    {
        await PutAsync("db--host", "here");
        await PutAsync("secret--key", "hidden");

        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix + "db");
            source.AddPrefix(Prefix + "secret");
            source.KeyDelimiter = "--";
            source.MapName = name => name == "key" ? null : "Database:" + name;
        });

        Assert.Equal([new("Database:host", "here")], root.AsEnumerable().Where(pair => pair.Value is not null));
    }

    [Fact]
    public async Task A_parser_of_ones_own_reads_values()
    {
        await PutAsync("Db", "host=a;port=1");

        IConfigurationRoot root = Build(source => source.Selections.Add(EtcdKeySelection.Prefix(Prefix) with
        {
            Parser = item => item.Value.ToString().Split(';').Select(pair => pair.Split('=')).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1])),
        }));

        Assert.Equal(("a", "1"), (root["Db:host"], root["Db:port"]));
    }

    [Fact]
    public async Task More_keys_than_a_page_has_are_settings()
    {
        const int Count = 2500;
        for (int i = 0; i < Count; i += 100)
        {
            await PutTogetherAsync([.. Enumerable.Range(i, 100).Select(n => ($"n{n}", $"{n}"))]);
        }

        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix));

        Assert.Equal(Count, root.AsEnumerable().Count());
        Assert.Equal($"{Count - 1}", root[$"n{Count - 1}"]);
    }

    [Theory]
    [InlineData(EtcdValueFormat.Raw, new byte[] { 0xff, 0xfe }, "the value is not UTF-8")]
    [InlineData(EtcdValueFormat.Json, new byte[] { 0x7b, 0x78 }, "it is not valid JSON at line 1, byte 2")]
    [InlineData(EtcdValueFormat.Yaml, new byte[] { 0x5b, 0x78 }, "it is not valid YAML at line")]
    public async Task A_value_that_cannot_be_read_is_named_and_not_shown(EtcdValueFormat format, byte[] value, string why)
    {
        await PutAsync("fine", "1");
        long revision = await PutAsync("wrong", value);

        var e = Assert.Throws<EtcdConfigurationException>(() => Build(source => source.AddPrefix(Prefix, format)));

        Assert.Contains($"The key '{Prefix}wrong' of revision {revision} is no setting: {why}", e.Message, StringComparison.Ordinal);
        Assert.Equal(Prefix + "wrong", e.Key);
    }

    /// <summary>What is logged is all of the exception, with its causes.</summary>
    [Theory]
    [InlineData(EtcdValueFormat.Json, false)]
    [InlineData(EtcdValueFormat.Yaml, false)]
    [InlineData(EtcdValueFormat.Raw, true)]
    public async Task No_exception_shows_a_value(EtcdValueFormat format, bool hasParser)
    {
        const string Secret = "hunter2";
        await PutAsync("wrong", $"{{ \"a\": *{Secret} }}");
        EtcdKeySelection selection = EtcdKeySelection.Prefix(Prefix, format) with
        {
            Parser = hasParser ? item => throw new FormatException($"'{item.Value}' is no number") : null,
        };

        var e = Assert.Throws<EtcdConfigurationException>(() => Build(source => source.Selections.Add(selection)));

        Assert.Contains("is no setting", e.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, e.ToString(), StringComparison.Ordinal);
    }
}
