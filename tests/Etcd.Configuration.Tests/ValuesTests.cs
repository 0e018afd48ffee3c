using System.Text;
using Etcd.Configuration.Values;
using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests;

/// <summary>
/// Goal: a document means what it means elsewhere. Method: JSON is compared with .NET's own provider of appsettings.json, YAML with the JSON of
/// the same content.
/// </summary>
public sealed class ValuesTests
{
    public static TheoryData<string> Objects =>
    [
        """{ "a": 1, "b": "x", "c": true, "d": null, "e": 1.50, "f": "" }""",
        """{ "a": { "b": { "c": "deep" }, "empty": {} }, "list": [1, [2, 3], { "x": 4 }, null], "none": [] }""",
        """{ "a:b": 1, "Ü": "ä\n\"" }""",
        "{ // comment\n \"a\": 1, \"b\": [1,], }",
        "{}",
    ];

    [Theory]
    [MemberData(nameof(Objects))]
    public void Json_gives_the_settings_that_appsettings_json_gives(string json)
    {
        IConfigurationRoot expected = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
        IConfigurationRoot actual = new ConfigurationBuilder().AddInMemoryCollection(Json(json)).Build();

        Assert.Equal(expected.AsEnumerable().OrderBy(pair => pair.Key), actual.AsEnumerable().OrderBy(pair => pair.Key));
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("\"x\"", "x")]
    [InlineData("true", "True")]
    [InlineData("null", null)]
    [InlineData("[]", "")]
    public void Json_of_one_value_is_the_keys_own_setting(string json, string? value) =>
        Assert.Equal([new("", value)], Json(json));

    [Theory]
    [InlineData("", "it is not valid JSON at line 1, byte 1")]
    [InlineData("{\n\"secret\": hunter2 }", "it is not valid JSON at line 2, byte 11")]
    [InlineData("""{ "a": 1, "A": 2 }""", "it has 'A' twice")]
    [InlineData("""{ "a": { "b": 1 }, "a:b": 2 }""", "it has 'a:b' twice")]
    [InlineData("{} {}", "it is not valid JSON at line 1, byte 4")]
    public void Json_that_is_wrong_says_where_and_shows_nothing(string json, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Json(json)).Message);

    [Theory]
    [InlineData("a: 1\nb: x\nd: ~\ne: null\nf: ''\ng: 'null'", """{"a":"1","b":"x","d":null,"e":null,"f":"","g":"null"}""")]
    [InlineData("a:\n  b:\n    c: deep\n  empty: {}\nlist:\n  - 1\n  - [2, 3]\n  - x: 4\nnone: []", """{"a":{"b":{"c":"deep"},"empty":{}},"list":["1",["2","3"],{"x":"4"}],"none":[]}""")]
    [InlineData("base: &base\n  a: 1\n  b: 2\nmine:\n  <<: *base\n  b: 3", """{"base":{"a":"1","b":"2"},"mine":{"a":"1","b":"3"}}""")]
    [InlineData("one: &one\n  a: 1\ntwo: &two\n  a: 2\n  b: 2\nboth:\n  <<: [*one, *two]", """{"one":{"a":"1"},"two":{"a":"2","b":"2"},"both":{"a":"1","b":"2"}}""")]
    [InlineData("text: |\n  two\n  lines\n", "{\"text\":\"two\\nlines\\n\"}")]
    [InlineData("- 1\n- 2", """["1","2"]""")]
    [InlineData("just text", "\"just text\"")]
    public void Yaml_gives_the_settings_of_the_same_json(string yaml, string json) =>
        Assert.Equal(Json(json).OrderBy(pair => pair.Key), YamlValues.Read(yaml).OrderBy(pair => pair.Key));

    [Fact]
    public void Empty_yaml_is_no_setting() => Assert.Empty(YamlValues.Read("# nothing\n"));

    [Theory]
    [InlineData("a: [1", "it is not valid YAML at line 2, column 1")]
    [InlineData("a: 1\n---\nb: 2", "it has several YAML documents")]
    [InlineData("a: 1\na: 2", "it is not valid YAML at line")]
    [InlineData("a: 1\nA: 2", "it has 'A' twice")]
    [InlineData("? [1, 2]\n: x", "it has a key that is no text at line 1")]
    [InlineData("a:\n  <<: 1", "it merges what is no mapping")]
    [InlineData("a: *nothing", "it is not valid YAML at line 1")]
    public void Yaml_that_is_wrong_says_where(string yaml, string message) =>
        Assert.StartsWith(message, Assert.Throws<FormatException>(() => YamlValues.Read(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Yaml_that_means_billions_of_settings_is_refused()
    {
        var yaml = new StringBuilder("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 10; i++)
        {
            yaml.Append(System.Globalization.CultureInfo.InvariantCulture, $"l{i}: &l{i} [{string.Join(", ", Enumerable.Repeat($"*l{i - 1}", 10))}]\n");
        }

        var e = Assert.Throws<FormatException>(() => YamlValues.Read(yaml.ToString()));

        Assert.Equal($"it has more than {DocumentSettings.CountMax} settings", e.Message);
    }

    [Fact]
    public void Documents_that_are_nested_too_deep_are_refused()
    {
        string deep = new string('[', 1000) + new string(']', 1000);

        Assert.Throws<FormatException>(() => Json(deep));
        Assert.Throws<FormatException>(() => YamlValues.Read(deep));
    }

    /// <summary>The parser's own recursion would overflow the stack, which ends the process.</summary>
    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void Yaml_that_is_nested_without_end_is_refused(string level)
    {
        string deep = string.Concat(Enumerable.Repeat(level, 100_000));

        var e = Assert.Throws<FormatException>(() => YamlValues.Read(deep));

        Assert.Equal($"it is nested more than {DocumentSettings.DepthMax} deep", e.Message);
    }

    [Fact]
    public void Documents_of_the_greatest_depth_are_read()
    {
        string deep = new string('[', DocumentSettings.DepthMax) + "x" + new string(']', DocumentSettings.DepthMax);

        Assert.Equal("x", Assert.Single(YamlValues.Read(deep)).Value);
    }

    private static IEnumerable<KeyValuePair<string, string?>> Json(string json) => JsonValues.Read(Encoding.UTF8.GetBytes(json));
}
