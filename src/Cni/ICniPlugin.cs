namespace Cni;

/// <summary>The commands of a plugin. <see cref="PluginHost"/> has validated the request by the rules of the specification.</summary>
public interface ICniPlugin
{
    /// <summary>Attaches the container (CNI specification, "ADD"). A failed ADD must leave nothing behind.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The created interfaces, addresses and routes.</returns>
    /// <exception cref="CniException">The container cannot be attached.</exception>
    CniResult Add(CniRequest request);

    /// <summary>Checks that the attachment is still as ADD left it (CNI specification, "CHECK").</summary>
    /// <param name="request">The request.</param>
    /// <exception cref="CniException">The attachment differs.</exception>
    void Check(CniRequest request);

    /// <summary>Removes the attachment (CNI specification, "DEL"). Idempotent: an absent attachment is a success.</summary>
    /// <param name="request">
    /// The request; the namespace can be empty, the previous result null, and the configuration invalid
    /// (<see cref="CniRequest.ConfigError"/>).
    /// </param>
    /// <exception cref="CniException">A part of the attachment was not removed.</exception>
    void Delete(CniRequest request);

    /// <summary>Checks whether ADD requests can be served now (CNI specification, "STATUS").</summary>
    /// <param name="request">The request.</param>
    /// <exception cref="CniException">Code 50 or 51: ADD cannot be served; the message contains the reason.</exception>
    void Status(CniRequest request);

    /// <summary>
    /// Removes all resources of the network that belong to none of <see cref="CniRequest.ValidAttachments"/> (CNI specification,
    /// "GC"); continues after errors.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <exception cref="CniException">A resource was not removed.</exception>
    void CollectGarbage(CniRequest request);
}
