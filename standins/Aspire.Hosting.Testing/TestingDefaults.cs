using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>What is different in a test: ports of proxied endpoints are random, resource logs go to the application's log.</summary>
internal static class TestingDefaults
{
    public static BuilderInterceptor Interceptor(
        Assembly entryPoint,
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        Action<DistributedApplicationBuilder>? building = null,
        Action<DistributedApplication>? built = null) => new()
        {
            Constructing = (options, settings) =>
            {
                Apply(options, settings, entryPoint, args);
                configureBuilder(options, settings);
            },
            Constructed = builder => builder.Services.AddHttpClient(),
            Building = building,
            Built = built,
        };

    private static void Apply(
        DistributedApplicationOptions options, HostApplicationBuilderSettings settings, Assembly entryPoint, string[] args)
    {
        settings.Args = [.. settings.Args ?? [], .. args];
        settings.ApplicationName = entryPoint.GetName().Name;
        settings.EnvironmentName ??= Environments.Development;
        options.Args = settings.Args;
        options.AssemblyName = settings.ApplicationName;
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        settings.Configuration ??= new ConfigurationManager();
        settings.Configuration.AddInMemoryCollection([new("DcpPublisher:RandomizePorts", "true")]);
        settings.Configuration.AddCommandLine(settings.Args);
    }
}
