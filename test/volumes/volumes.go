// Package volumes stands in for a cluster's storage: it makes a volume, a folder of the node, for each claim.
package volumes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const pollPeriod = 200 * time.Millisecond

// Folder returns the folder of the node for a claim.
type Folder func(claim *corev1.PersistentVolumeClaim) (string, error)

// Provision makes a volume for each claim that waits for one, whatever its storage class, until the context is done. Failures are reported
// and tried again.
func Provision(ctx context.Context, client kubernetes.Interface, folder Folder, out io.Writer) {
	for ctx.Err() == nil {
		claims, err := client.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
		if err == nil {
			for _, claim := range claims.Items {
				err = errors.Join(err, provision(ctx, client, folder, &claim))
			}
		}
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(out, "failed to make volumes:", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollPeriod):
		}
	}
}

func provision(ctx context.Context, client kubernetes.Interface, folder Folder, claim *corev1.PersistentVolumeClaim) error {
	if claim.Status.Phase != corev1.ClaimPending || claim.Spec.VolumeName != "" {
		return nil
	}
	path, err := folder(claim)
	if err != nil {
		return err
	}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "volume-" + string(claim.UID)},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes, Capacity: claim.Spec.Resources.Requests,
			ClaimRef:               &corev1.ObjectReference{Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}},
		},
	}
	if claim.Spec.StorageClassName != nil {
		volume.Spec.StorageClassName = *claim.Spec.StorageClassName
	}
	_, err = client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
