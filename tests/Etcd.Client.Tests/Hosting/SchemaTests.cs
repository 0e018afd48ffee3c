using System.Text.Json;
using Etcd.Client.Hosting;
using Etcd.TestKit;

namespace Etcd.Client.Tests.Hosting;

/// <summary>Goal: code, schema and README name the same section and the same settings, each of which exists.</summary>
public sealed class SchemaTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "Etcd.Client.Hosting");

    [Fact]
    public void The_schema_has_the_settings_and_no_others()
    {
        using JsonDocument schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "ConfigurationSchema.json")));
        JsonElement section = schema.RootElement;
        foreach (string name in EtcdClientSettings.SectionName.Split(':'))
        {
            section = section.GetProperty("properties").GetProperty(name);
        }

        string[] inSchema = [.. section.GetProperty("properties").EnumerateObject().Select(property => property.Name).Order()];
        string[] inCode = [.. typeof(EtcdClientSettings).GetProperties().Select(property => property.Name).Order()];

        Assert.Equal(inCode, inSchema);
        Assert.All(
            section.GetProperty("properties").EnumerateObject(),
            property => Assert.Equal(TypeOf(property.Name), property.Value.GetProperty("type").GetString()));
        Assert.True(typeof(EtcdClientSettings).IsSealed);
    }

    [Fact]
    public void The_readme_names_the_section_of_the_code()
    {
        string readme = File.ReadAllText(Path.Combine(Folder, "README.md"));
        using JsonDocument example = JsonDocument.Parse(readme.Split("```json")[1].Split("```")[0]);
        JsonElement section = example.RootElement;
        foreach (string name in EtcdClientSettings.SectionName.Split(':'))
        {
            section = section.GetProperty(name);
        }

        Assert.Contains(EtcdClientSettings.SectionName, readme, StringComparison.Ordinal);
        Assert.All(section.EnumerateObject(), property => Assert.NotNull(typeof(EtcdClientSettings).GetProperty(property.Name)));
        Assert.NotEmpty(section.EnumerateObject());
    }

    private static string TypeOf(string setting)
    {
        Type type = typeof(EtcdClientSettings).GetProperty(setting)!.PropertyType;
        return type == typeof(bool) ? "boolean" : type == typeof(IList<string>) ? "array" : "string";
    }
}
