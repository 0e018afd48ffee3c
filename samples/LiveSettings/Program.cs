using Etcd.ServiceDefaults;
using LiveSettings;
using Microsoft.Extensions.Options;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();

// The keys below config/ are settings from here on: config/Page/Color is Page:Color. They override appsettings.json and change while this
// runs. An empty cluster is no reason not to start.
builder.AddEtcdConfiguration("etcd", settings => settings.Optional = true);
builder.Services.Configure<PageSettings>(builder.Configuration.GetSection("Page"));

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseFileServer();

// What it is now, and each change as it happens.
app.MapGet("/settings", (IOptionsMonitor<PageSettings> settings) => settings.CurrentValue);
app.MapGet("/settings/changes", (IOptionsMonitor<PageSettings> settings, IHostApplicationLifetime lifetime, CancellationToken aborted) =>
    TypedResults.ServerSentEvents(settings.ReadChangesAsync(lifetime.ApplicationStopping, aborted)));

app.Run();
