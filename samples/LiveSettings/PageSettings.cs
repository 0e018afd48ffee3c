namespace LiveSettings;

/// <summary>How the page looks: the section Page of the configuration.</summary>
internal sealed class PageSettings
{
    public string Title { get; set; } = "";

    public string Text { get; set; } = "";

    public string Color { get; set; } = "";
}
