namespace Cni;

/// <summary>What a plugin does. <see cref="PluginHost"/> has checked the request by the rules of the specification before.</summary>
public interface ICniPlugin
{
    /// <summary>Attaches the container (CNI specification, "ADD"). After a failure nothing of it may be left.</summary>
    /// <param name="request">What is asked.</param>
    /// <returns>What there is now.</returns>
    /// <exception cref="CniException">It cannot be done.</exception>
    CniResult Add(CniRequest request);

    /// <summary>Compares the attachment with what it should be (CNI specification, "CHECK"): silent when it is.</summary>
    /// <param name="request">What is asked.</param>
    /// <exception cref="CniException">It is not as it should be.</exception>
    void Check(CniRequest request);

    /// <summary>Removes the attachment (CNI specification, "DEL"). What is gone already is success, however often it is asked.</summary>
    /// <param name="request">
    /// What is asked; the namespace may be empty, the previous result may be null, and the configuration may be one that is
    /// not understood (<see cref="CniRequest.ConfigError"/>).
    /// </param>
    /// <exception cref="CniException">Something is left.</exception>
    void Delete(CniRequest request);

    /// <summary>Tells whether ADD could be served now (CNI specification, "STATUS"): silent when it could.</summary>
    /// <param name="request">What is asked.</param>
    /// <exception cref="CniException">Code 50 or 51: it could not, and why.</exception>
    void Status(CniRequest request);

    /// <summary>
    /// Removes what belongs to this network and to none of <see cref="CniRequest.ValidAttachments"/> (CNI specification,
    /// "GC"); goes on after errors.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <exception cref="CniException">Something is left.</exception>
    void CollectGarbage(CniRequest request);
}
