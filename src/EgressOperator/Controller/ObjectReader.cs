using System.Text.Json;
using EgressRouter.Tools;
using Kubernetes;
using Serilog;

namespace EgressOperator.Controller;

/// <summary>Makes copies of objects that strangers write: what cannot be read changes nothing.</summary>
internal sealed class ObjectReader(IKubernetesApi api, ILogger log, TimeProvider clock)
{
    /// <summary>A copy of the objects of a resource. An object that cannot be read counts as it was before, or not at all.</summary>
    public Reflector<T?> Reflect<T>(Resource resource, Func<JsonElement, T?> read, Selection? selection = null)
        where T : class => Reflect<T>(resource, (source, _) => read(source), selection);

    /// <param name="read">Gets also what is kept of the object, or null.</param>
    public Reflector<T?> Reflect<T>(Resource resource, Func<JsonElement, T?, T?> read, Selection? selection = null)
        where T : class =>
        new(api, resource, selection ?? Selection.All, (source, before) => ReadOrKeep(resource, source, before, read), log, clock);

    /// <summary>Reads what a stranger has written: whatever is wrong with it must not end the program.</summary>
    public static T? Try<T>(Func<T?> read, T? otherwise, Action<Exception> failed)
        where T : class
    {
        try
        {
            return read();
        }
#pragma warning disable CA1031 // Whatever is wrong: see above.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            failed(fault);
            return otherwise;
        }
    }

    private T? ReadOrKeep<T>(Resource resource, JsonElement source, T? before, Func<JsonElement, T?, T?> read)
        where T : class => Try(() => read(source, before), before, fault =>
        {
            if (fault is not UsageException)
            {
                log.Error(fault, "{Kind:l} is not read", [resource.Kind]);
                return;
            }

            log.Error(
                before is null ? "{Kind:l} is not read: {Fault:l}" : "{Kind:l} counts as it was before: {Fault:l}",
                [resource.Kind, fault.Message]);
        });
}
