using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

/// <summary>Publishes the links of a resource: one for each endpoint, then what its callbacks make of them.</summary>
internal static class UrlPublisher
{
    public static async Task PublishAsync(IResource resource, OrchestrationServices services, CancellationToken cancellationToken)
    {
        List<ResourceUrlAnnotation> urls = [.. resource.Annotations.OfType<ResourceUrlAnnotation>()];
        if (resource is IResourceWithEndpoints owner)
        {
            urls.AddRange(owner.GetEndpoints().Select(e => new ResourceUrlAnnotation { Url = e.Url, Endpoint = e }));
        }

        var context = new ResourceUrlsCallbackContext(services.ExecutionContext, resource, urls, cancellationToken)
        {
            Logger = services.Loggers.GetLogger(resource),
        };
        foreach (var callback in resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>())
        {
            await callback.Callback(context).ConfigureAwait(false);
        }

        await services.Notifications.PublishUpdateAsync(resource, s => s with
        {
            Urls =
            [
                .. context.Urls.Select(u => new UrlSnapshot(u.Endpoint?.EndpointName, Absolute(u), IsInternal: false)
                {
                    DisplayProperties = new UrlDisplayPropertiesSnapshot(u.DisplayText ?? "", u.DisplayOrder ?? 0),
                }),
            ],
        }).ConfigureAwait(false);
    }

    private static string Absolute(ResourceUrlAnnotation url) =>
        url.Endpoint is { } endpoint && url.Url.StartsWith('/') ? endpoint.Url + url.Url : url.Url;
}
