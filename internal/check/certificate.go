package check

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// The webhook's certificate, from its root down: a problem further up causes those below.

const (
	// soon is when to think of a certificate that nothing renews.
	soon   = 30 * 24 * time.Hour
	day    = "2006-01-02"
	minute = "2006-01-02 15:04 MST"
)

// certificates checks cert-manager's chain, if the certificate is cert-manager's, and the caBundle.
func (i *inspection) certificates() []gate.Gate {
	if i.Authority == nil {
		return []gate.Gate{i.caBundle()}
	}
	return append(i.chain(), i.caBundle())
}

func (i *inspection) chain() []gate.Gate {
	a := i.Authority
	switch {
	case len(validation.IsDNS1123Label(a.Namespace)) > 0 || len(validation.IsDNS1123Subdomain(a.Name)) > 0:
		return []gate.Gate{failed("certificate", i.restoreWebhook(), "annotation %s of %s is %q, which names no Certificate", snapshot.InjectCA, i.Injector.Webhook.Configuration.Name, a.Namespace+"/"+a.Name)}
	case a.Certificates.Missing():
		return []gate.Gate{failed("certificate", remedy.RestoreAfterCM.With(i.ofRelease()...),
			"cert-manager is not installed: the cluster knows no Certificate")}
	case a.Certificates.Err != nil:
		return []gate.Gate{unknown("certificate", "%s", a.Certificates.Unseen())}
	}
	var gates []gate.Gate
	for name, seen := a.Name, []string{}; name != "" && !slices.Contains(seen, name); {
		link, issuer := i.certificate(name)
		gates, seen = append(gates, link), append(seen, name)
		if issuer == nil {
			break
		}
		link, name = i.issuer(issuer)
		gates = append(gates, link)
	}
	slices.Reverse(gates)
	return onlyFirst(gates)
}

// onlyFirst keeps the remedy of the first failed gate, because the others follow from it.
func onlyFirst(gates []gate.Gate) []gate.Gate {
	first := slices.IndexFunc(gates, func(g gate.Gate) bool { return g.Result == gate.Failed })
	for n := range gates {
		if first >= 0 && n > first && gates[n].Result == gate.Failed {
			gates[n].Remedy = remedy.FixAbove.With()
		}
	}
	return gates
}

// certificate judges a Certificate, and returns its issuer.
func (i *inspection) certificate(name string) (gate.Gate, *cmmeta.ObjectReference) {
	a := i.Authority
	at := slices.IndexFunc(a.Certificates.Value, func(c cmapi.Certificate) bool { return c.Name == name })
	if at < 0 {
		return failed("certificate", remedy.Restore.With(i.ofRelease()...), "Certificate %s does not exist in namespace %s", name, a.Namespace), nil
	}
	c := &a.Certificates.Value[at]
	return i.judge(c), &c.Spec.IssuerRef
}

func (i *inspection) judge(c *cmapi.Certificate) gate.Gate {
	const name = "certificate"
	look := remedy.LookAtIssuing.With(remedy.InNamespace.Is(c.Namespace))
	ready := conditionOf(c)
	switch expiry, renewal := c.Status.NotAfter, c.Status.RenewalTime; {
	case ready == nil:
		return failed(name, look, "Certificate %s: cert-manager has not looked at it yet", c.Name)
	case expiry != nil && i.now.After(expiry.Time):
		return failed(name, look, "Certificate %s has expired on %s", c.Name, expiry.UTC().Format(minute))
	case ready.Status != cmmeta.ConditionTrue:
		return failed(name, look, "Certificate %s is not ready: %s: %s", c.Name, ready.Reason, ready.Message)
	case expiry == nil:
		return passed(name, "Certificate %s is ready", c.Name)
	case renewal != nil && i.now.After(renewal.Add(expiry.Sub(renewal.Time)/2)):
		return warning(name, look, "Certificate %s should have been renewed on %s, and expires on %s", c.Name, renewal.UTC().Format(minute), expiry.UTC().Format(minute))
	default:
		return passed(name, "Certificate %s is ready, and valid until %s", c.Name, expiry.UTC().Format(day))
	}
}

func conditionOf(c *cmapi.Certificate) *cmapi.CertificateCondition {
	for n := range c.Status.Conditions {
		if c.Status.Conditions[n].Type == cmapi.CertificateConditionReady {
			return &c.Status.Conditions[n]
		}
	}
	return nil
}

// issuer judges an issuer, and names the Certificate that it signs with, if that is cert-manager's, too.
func (i *inspection) issuer(reference *cmmeta.ObjectReference) (link gate.Gate, above string) {
	const name = "issuer"
	a := i.Authority
	kind := reference.Kind
	if kind == "" {
		kind = cmapi.IssuerKind
	}
	if reference.Group != "" && reference.Group != cmapi.SchemeGroupVersion.Group {
		return passed(name, "%s %s of %s is not cert-manager's own, and known by its Certificates alone", kind, reference.Name, reference.Group), ""
	}
	found, unseen := a.Issuer(kind, reference.Name)
	switch {
	case unseen != "":
		return unknown(name, "%s", unseen), ""
	case found == nil && i.ownIssuer(kind, reference.Name):
		return failed(name, remedy.Restore.With(i.ofRelease()...), "%s %s does not exist in namespace %s", kind, reference.Name, a.Namespace), ""
	case found == nil:
		return failed(name, remedy.CreateIssuer.With(), "%s %s does not exist", kind, reference.Name), ""
	}
	if ca := found.GetSpec().CA; ca != nil && kind == cmapi.IssuerKind {
		at := slices.IndexFunc(a.Certificates.Value, func(c cmapi.Certificate) bool { return c.Spec.SecretName == ca.SecretName })
		if at >= 0 {
			above = a.Certificates.Value[at].Name
		}
	}
	for _, condition := range found.GetStatus().Conditions {
		if condition.Type == cmapi.IssuerConditionReady && condition.Status == cmmeta.ConditionTrue {
			return passed(name, "%s %s is ready", kind, reference.Name), above
		}
	}
	return i.notReady(kind, reference.Name, found), above
}

func (i *inspection) notReady(kind, name string, issuer cmapi.GenericIssuer) gate.Gate {
	message := "cert-manager has not looked at it yet"
	for _, condition := range issuer.GetStatus().Conditions {
		if condition.Type == cmapi.IssuerConditionReady {
			message = condition.Reason + ": " + condition.Message
		}
	}
	look := remedy.LookAtClusterIssuer
	if kind == cmapi.IssuerKind {
		look = remedy.LookAtIssuer
	}
	return failed("issuer", look.With(remedy.InNamespace.Is(i.Authority.Namespace), remedy.Name.Is(name)),
		"%s %s is not ready: %s", kind, name, message)
}

// ownIssuer reports whether the chart made the issuer: its names follow from the Certificate's.
func (i *inspection) ownIssuer(kind, name string) bool {
	base := strings.TrimSuffix(i.Authority.Name, "-tls")
	return kind == cmapi.IssuerKind && (name == base+"-ca" || name == base+"-root")
}

// caBundle checks what the API server trusts.
func (i *inspection) caBundle() gate.Gate {
	const name = "ca-bundle"
	configuration := i.Injector.Webhook.Configuration.Name
	bundle := i.Injector.Webhook.Webhook.ClientConfig.CABundle
	if len(bundle) == 0 {
		if i.Authority != nil {
			return failed(name, remedy.LookAtCAinjector.With(),
				"the caBundle of %s is empty", configuration)
		}
		return failed(name, i.restoreWebhook(), "the caBundle of %s is empty", configuration)
	}
	expiry, err := expiryOf(bundle)
	switch {
	case err != nil:
		return failed(name, i.restoreWebhook(), "the caBundle of %s cannot be read: %v", configuration, err)
	case i.now.After(expiry):
		return failed(name, i.renew(), "the caBundle of %s has expired on %s", configuration, expiry.UTC().Format(minute))
	case i.Authority == nil && i.now.Add(soon).After(expiry):
		return warning(name, i.renew(), "the caBundle of %s expires on %s", configuration, expiry.UTC().Format(minute))
	}
	return passed(name, "the caBundle of %s is valid until %s", configuration, expiry.UTC().Format(day))
}

// expiryOf returns when the last certificate of the bundle expires.
func expiryOf(bundle []byte) (last time.Time, err error) {
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return last, fmt.Errorf("no certificate: %w", err)
		}
		if certificate.NotAfter.After(last) {
			last = certificate.NotAfter
		}
	}
	if last.IsZero() {
		return last, errors.New("it holds no certificate in PEM")
	}
	return last, nil
}

func (i *inspection) restoreWebhook() *remedy.Remedy {
	return remedy.RestoreWebhook.With(i.ofRelease(remedy.Name.Is(i.Injector.Webhook.Configuration.Name))...)
}

// renew makes a new certificate with what made the old one.
func (i *inspection) renew() *remedy.Remedy {
	secret := i.servingSecret()
	if i.Authority != nil || !strings.HasSuffix(secret, "-helm-tls") {
		return remedy.RenewAuthority.With()
	}
	return remedy.RemakeCertificate.With(i.ofRelease(remedy.Secret.Is(secret), remedy.Name.Is(i.Injector.Webhook.Configuration.Name))...)
}

// servingSecret is the Secret that the webhook's pods mount.
func (i *inspection) servingSecret() string {
	if deployment := i.Injector.Deployment(); deployment != nil {
		for _, volume := range deployment.Spec.Template.Spec.Volumes {
			if volume.Name == "tls" && volume.Secret != nil {
				return volume.Secret.SecretName
			}
		}
	}
	return ""
}
