package remedy

// Remedies of whoever looks after the workload. They change the workload and its pods, and nothing that Helm has made.

const (
	patching = "kubectl --namespace <namespace> patch <object> --type merge --patch"
	// elsewhere is a note on each change of a live workload.
	elsewhere = "Make the same change in the manifest of <object>, or the next apply takes it back"
)

// following is a remedy of commands, which change the workload.
func following(name, advice string, words ...string) *Template {
	return register(Template{name: name, advice: advice, changes: Workload, commands: runs(words)})
}

// editing is one that changes a live workload, whose manifest must change as well.
func editing(name, advice string, words ...string) *Template {
	return register(Template{name: name, advice: advice, changes: Workload, commands: runs(words), notes: []string{elsewhere}})
}

// looking is one whose commands change nothing.
func looking(name, advice string, words ...string) *Template {
	return register(Template{name: name, advice: advice, commands: runs(words)})
}

// advising is one without commands, because only its reader can know what to do.
func advising(name, advice string) *Template {
	return register(Template{name: name, advice: advice})
}

func runs(lines []string) []command {
	commands := make([]command, len(lines))
	for n, words := range lines {
		commands[n] = run(words)
	}
	return commands
}

// The remedies of a workload.
var (
	Ask          = editing("ask", "Ask for PCP on the pod template", patching+" <patch>")
	AskAnew      = advising("ask-anew", "Recreate it with the annotation pcp.io/inject: \"true\" on its pod template, which cannot be changed")
	AskOwner     = advising("ask-owner", "Ask for PCP on the pod template of <text>, if the pod belongs to it: that could not be seen")
	AskInFile    = following("ask-in-file", "In <file>, <text>, and apply it", "kubectl --namespace <namespace> apply -f <file>")
	ReplaceFile  = following("replace-file", "In <file>, <text>, and apply it", "kubectl --namespace <namespace> replace --force -f <file>")
	AskInInput   = advising("ask-in-input", "In standard input, <text>, and apply it")
	OneReplica   = editing("one-replica", "Let one pod run at a time", "kubectl --namespace <namespace> scale <object> --replicas 1")
	Recreate     = editing("recreate", "Let one pod run at a time", patching+" "+recreating)
	OneRecreated = editing("one-replica-recreate", "Let one pod run at a time", "kubectl --namespace <namespace> scale <object> --replicas 1", patching+" "+recreating)
	OneJob       = editing("one-job", "Let one pod run at a time", patching+` {"spec":{"concurrencyPolicy":"Forbid","jobTemplate":{"spec":{"parallelism":1}}}}`)
	OneInFile    = advising("one-in-file", "Let one pod run at a time: in <file>, set <text>")
	OneByHand    = advising("one-by-hand", "Let one pod run at a time")
	Restart      = following("restart", "<text>", "kubectl --namespace <namespace> rollout restart <object>")
	DeletePods   = following("delete-pods", "<text>", "kubectl --namespace <namespace> delete pod <pod>")
	DeleteForged = following("delete-forged", "Delete it, and let the controller of its workload create the pod", "kubectl --namespace <namespace> delete pod <pod>")
	RecreatePod  = following("recreate-pod", "Recreate the pod from its manifest", "kubectl --namespace <namespace> replace --force -f <manifest>")
	StartOne     = editing("start-one", "Start one", "kubectl --namespace <namespace> scale <object> --replicas 1")
	Resume       = editing("resume", "Resume it", patching+` {"spec":{"suspend":false}}`)
	WhyNoPod     = looking("why-no-pod", "Find out why it has no pod", "kubectl --namespace <namespace> describe <object>")
	SetResources = editing("set-resources", "Set it in the pod template", "kubectl --namespace <namespace> set resources <object> --containers <container> --<key> <resource>=<amount>")
	SetInPod     = advising("set-in-pod", "Set resources.<text>")
	SetInFile    = advising("set-in-file", "In <file>, set resources.<text>, and apply it")
	ChangePod    = advising("change-pod", "Change the pod template, as each problem says")
	// ReplaceInManifest and PinImage name commands whose words only their reader knows, as MANIFEST.
	ReplaceInManifest = advising("replace-in-manifest", "Replace PCP in the manifest of <text>, with the configuration of the webhook in a file CONFIG: "+
		"kubectl pcp uninject -f MANIFEST | kubectl pcp inject --config CONFIG -f - | kubectl apply -f -")
	PinImage = advising("pin-image", "Give it an image by its digest, or by the tag of a release, with kubectl pcp upgrade")
	// MakeTarget is for a workload that is not the target, where the release is not known.
	MakeTarget   = advising("make-target", "To have PCP in <text>, ask your administrator to make it the target (a release has one, and the present one would lose PCP), and replace the pods")
	CreateTarget = following("create-target", "Create it, with the annotation pcp.io/inject: \"true\" on its pod template, or have the administrator make another workload the target",
		"kubectl --namespace <namespace> apply -f <manifest>")
	// Explain is part of sentences of other verbs.
	Explain     = looking("explain", "See what is in the way", "kubectl pcp explain <object> --namespace <namespace>")
	ExplainFile = looking("explain-file", "See what is in the way", "kubectl pcp explain -f <file> --namespace <namespace>")
)

const recreating = `{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}`
