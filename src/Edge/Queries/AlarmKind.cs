using System.Diagnostics;

namespace Vlm.Edge.Queries;

/// <summary>What is wrong with the box. Also a metric label, in snake case.</summary>
internal enum AlarmKind
{
    /// <summary>Audits say that the gate does not keep its promise.</summary>
    Drift,

    /// <summary>A state file cannot be read or written.</summary>
    State,

    /// <summary>The engine failed on a question.</summary>
    Model,

    /// <summary>What the model ran on failed, and the processor took over.</summary>
    Provider,

    /// <summary>The larger model's endpoint does not know the box.</summary>
    TurnedAway,

    /// <summary>The larger model's endpoint cannot be reached.</summary>
    LinkDown,

    /// <summary>The disk has no room.</summary>
    DiskFull,

    /// <summary>Questions wait in the queue, and none comes to its end.</summary>
    QueueStalled,

    /// <summary>A damaged file was put aside and lies there.</summary>
    Quarantine,

    /// <summary>Pictures of questions that waited are gone.</summary>
    PicturesLost,

    /// <summary>Nobody keeps the machine's clock right.</summary>
    ClockUnknown,

    /// <summary>The machine is too hot, and cameras are looked at less often.</summary>
    Hot,

    /// <summary>The MQTT broker cannot be used.</summary>
    Broker,

    /// <summary>The message of a camera cannot be had, so its pictures are not read.</summary>
    NoMessage,

    /// <summary>Nothing new comes from a camera.</summary>
    CameraDown,
}

/// <summary>What to do about each.</summary>
internal static class AlarmAdvice
{
    public static string Of(AlarmKind kind) => kind switch
    {
        AlarmKind.Drift => "Calibrate the package again with pictures of this box; until then raise the threshold or escalate everything (audit: on_alarm).",
        AlarmKind.State => "See that the folder 'state' exists, belongs to the service's user and can be written.",
        AlarmKind.Model => "Look at the log for what the engine said; check the package with 'export check', then start the service again.",
        AlarmKind.Provider => "Look at the log and with the verb 'doctor' for what failed, then start the service again; until then it is slower.",
        AlarmKind.TurnedAway => "Check url, model and api_key_file of the endpoint; what is queued waits and is sent when they are right.",
        AlarmKind.LinkDown => "Check the network, and that the endpoint at the configured url runs; what is queued waits and is sent when it is back.",
        AlarmKind.DiskFull => "Free room on the disk; questions are answered meanwhile, but nothing new is queued.",
        AlarmKind.QueueStalled => "Look at the budget in the state and at the log for why the larger model gives no answers.",
        AlarmKind.Quarantine => "Check the disk. Keep what lies there for whoever can read it, or remove it: then this ends.",
        AlarmKind.PicturesLost => "Check the disk. 'dead-letters list' names the questions; drop them: then this ends.",
        AlarmKind.ClockUnknown => "Start a time service (timedatectl set-ntp true), or say clock: always when the clock is kept otherwise.",
        AlarmKind.Hot => "Give the box air or shade, or look less often (cameras: look: per_minute).",
        AlarmKind.Broker => "Check the network, and host, port, user and password_file of the section mqtt; what stands is said again when it is back.",
        AlarmKind.NoMessage => "Check the camera's section message and where it points; what is read meanwhile is nothing.",
        AlarmKind.CameraDown => "Look at the camera, its power and its cable; 'camera test' with its name tells what comes from it.",
        _ => throw new UnreachableException(),
    };
}
